-- The specification's six tables, and the outbox. Ids are hyphenated lower-case UUIDs; times are UTC text of
-- fixed width with six decimals (2026-01-02T03:04:05.000006Z), so that texts sort by time; specialties
-- are a JSON array of strings. Ids of the host's entities have no foreign key here: the host may add its own.

create table maintenance_workers (
    id           text not null primary key,
    organization_id text not null default '00000000-0000-0000-0000-000000000000',
    first_name   text not null,
    last_name    text not null,
    phone_number text not null,
    email        text not null,
    specialties  text not null,
    status       text not null check (status in ('active', 'inactive', 'on_leave')),
    created_at   text not null,
    updated_at   text not null
) strict;

create index maintenance_workers_phone_number_idx on maintenance_workers (phone_number);
create index maintenance_workers_status_idx       on maintenance_workers (status);
create index maintenance_workers_list_idx         on maintenance_workers (organization_id, created_at, id);

create table complex_maintenance_assignments (
    id          text    not null primary key,
    organization_id text not null default '00000000-0000-0000-0000-000000000000',
    worker_id   text    not null references maintenance_workers (id),
    complex_id  text    not null,
    is_primary  integer not null check (is_primary in (0, 1)),
    assigned_at text    not null,
    updated_at  text    not null
) strict;

create index complex_maintenance_assignments_worker_id_idx  on complex_maintenance_assignments (worker_id);
create index complex_maintenance_assignments_complex_id_idx on complex_maintenance_assignments (complex_id);
create unique index complex_maintenance_assignments_pair_key
    on complex_maintenance_assignments (worker_id, complex_id);
-- At most one primary worker per complex.
create unique index complex_maintenance_assignments_primary_key
    on complex_maintenance_assignments (organization_id, complex_id) where is_primary = 1;

create table maintenance_requests (
    id                  text    not null primary key,
    organization_id text not null default '00000000-0000-0000-0000-000000000000',
    renter_id           text    not null,
    title               text    not null,
    description         text    not null,
    status              text    not null check (status in ('pending', 'in_progress', 'completed', 'cancelled')),
    priority            text    not null check (priority in ('low', 'medium', 'high', 'emergency')),
    created_at          text    not null,
    updated_at          text    not null,
    completed_at        text,
    property_id         text    not null,
    location            text    not null,
    assigned_worker_id  text    references maintenance_workers (id),
    whatsapp_message_id text,
    whatsapp_status     text    not null
        check (whatsapp_status in ('pending', 'sent', 'delivered', 'read', 'failed')),
    complex_id          text    not null,
    specialty           text,
    version             integer not null,
    -- What it was submitted with, by which a repeat is recognised whatever was edited since.
    fingerprint         text,
    -- What the work waits for, and until when; a time only with a reason.
    hold_reason         text,
    hold_until          text,
    -- The newest notification. It is written with this request at once; the two whatsapp columns mirror its state.
    notification_id     text,
    -- The short number for people, from maintenance_numbers.
    number              integer not null
) strict;

create index maintenance_requests_renter_id_idx          on maintenance_requests (renter_id);
create index maintenance_requests_status_idx             on maintenance_requests (status);
create index maintenance_requests_created_at_idx         on maintenance_requests (created_at);
create index maintenance_requests_assigned_worker_id_idx on maintenance_requests (assigned_worker_id);
create index maintenance_requests_whatsapp_status_idx    on maintenance_requests (whatsapp_status);
-- For the newest-first lists. Those that any organisation has begin with it; a complex, a property, a renter and a
-- worker are of one organisation. A list by complex or by status merges one query per status and priority, so that a
-- rare one is found without reading past the others.
create index maintenance_requests_list_idx on maintenance_requests (organization_id, created_at, id);
create index maintenance_requests_unassigned_list_idx on maintenance_requests (organization_id, created_at, id)
    where assigned_worker_id is null;
create index maintenance_requests_complex_list_idx  on maintenance_requests (complex_id, status, created_at, id);
create index maintenance_requests_property_list_idx on maintenance_requests (property_id, created_at, id);
create index maintenance_requests_status_list_idx on maintenance_requests
    (organization_id, status, priority, created_at, id);
create index maintenance_requests_whatsapp_list_idx on maintenance_requests
    (organization_id, whatsapp_status, created_at, id);
-- The list of a worker, and the time at which the worker was last given work.
create index maintenance_requests_worker_list_idx on maintenance_requests (assigned_worker_id, created_at, id);
-- A worker's open requests: their list and their number.
create index maintenance_requests_open_work_idx on maintenance_requests (assigned_worker_id, created_at, id)
    where status in ('pending', 'in_progress');
create index maintenance_requests_trade_list_idx on maintenance_requests (organization_id, specialty, created_at, id)
    where specialty is not null;
-- What has waited for longest, and what has changed since a time.
create index maintenance_requests_updated_list_idx on maintenance_requests (organization_id, status, updated_at, id);
-- What was completed last. A request that isn't completed isn't in it, so that filing one doesn't write it.
create index maintenance_requests_completed_list_idx on maintenance_requests (organization_id, completed_at, id)
    where completed_at is not null;
create unique index maintenance_requests_number_key on maintenance_requests (organization_id, number);

-- The next number of each organisation. There is one writer at a time, so one slot is enough.
create table maintenance_numbers (
    organization_id text    not null,
    slot            integer not null,
    next            integer not null,
    primary key (organization_id, slot)
) strict, without rowid;

create table maintenance_attachments (
    id         text not null primary key,
    request_id text not null references maintenance_requests (id),
    file_url   text not null,
    file_type  text not null,
    created_at text not null
) strict;

create index maintenance_attachments_request_id_idx on maintenance_attachments (request_id);

create table maintenance_comments (
    id         text not null primary key,
    organization_id text not null default '00000000-0000-0000-0000-000000000000',
    request_id text not null references maintenance_requests (id),
    user_id    text not null,
    user_type  text not null check (user_type in ('renter', 'landlord', 'maintenance_staff')),
    comment    text not null,
    created_at text not null
) strict;

create index maintenance_comments_request_id_idx on maintenance_comments (request_id);
create index maintenance_comments_user_id_idx    on maintenance_comments (user_id);
create index maintenance_comments_list_idx       on maintenance_comments (organization_id, created_at, id);
create index maintenance_comments_user_list_idx  on maintenance_comments (user_id, created_at, id);

create table maintenance_status_history (
    id              text not null primary key,
    request_id      text not null references maintenance_requests (id),
    previous_status text not null
        check (previous_status in ('pending', 'in_progress', 'completed', 'cancelled')),
    new_status      text not null check (new_status in ('pending', 'in_progress', 'completed', 'cancelled')),
    changed_by      text not null,
    changed_at      text not null,
    notes           text
) strict;

create index maintenance_status_history_request_id_idx on maintenance_status_history (request_id);
create index maintenance_status_history_changed_at_idx on maintenance_status_history (changed_at);

-- The texts that can be searched: a request's title, description and location together, and each comment. The words are
-- in maintenance_words, under the same number as here, once a dispatcher has indexed them: many at a time, since each
-- transaction that adds words makes a part of the index of its own.
create table maintenance_texts (
    id         integer not null primary key,
    request_id text    not null,
    comment_id text,
    is_indexed integer not null default 0 check (is_indexed in (0, 1))
) strict;

create index maintenance_texts_request_id_idx on maintenance_texts (request_id);
create index maintenance_texts_unindexed_idx  on maintenance_texts (id) where is_indexed = 0;

-- The words, without the texts themselves. `organization` is the id without hyphens: one word.
create virtual table maintenance_words using fts5 (
    organization, words, content = '', contentless_delete = 1, detail = 'column', tokenize = 'unicode61 remove_diacritics 0'
);

-- Who had a request, when and why, which the status history can't say. `ranking` holds the first candidates of the
-- selection as JSON.
create table maintenance_assignment_history (
    id                 text not null primary key,
    request_id         text not null references maintenance_requests (id),
    previous_worker_id text,
    new_worker_id      text,
    changed_by         text not null,
    changed_at         text not null,
    cause              text not null,
    notes              text,
    ranking            text not null
) strict;

create index maintenance_assignment_history_request_id_idx on maintenance_assignment_history (request_id);

-- What was edited in a request: a row per field, with its value before and after as text; of a hold, as JSON.
create table maintenance_edits (
    id         text not null primary key,
    request_id text not null references maintenance_requests (id),
    edited_by  text not null,
    edited_at  text not null,
    field      text not null,
    before     text,
    after      text
) strict;

create index maintenance_edits_request_id_idx on maintenance_edits (request_id);

create table maintenance_notifications (
    id                  text    not null primary key,
    organization_id text not null default '00000000-0000-0000-0000-000000000000',
    -- The number that it goes out by.
    channel             text    not null default 'default',
    request_id          text    not null references maintenance_requests (id),
    -- It goes to a worker or to a renter.
    worker_id           text    references maintenance_workers (id),
    renter_id           text,
    kind                text    not null,
    -- What it answers, for the kind 'answer'.
    answer              text,
    -- What it tells, for the kind 'news'.
    news                text,
    priority            text    not null check (priority in ('low', 'medium', 'high', 'emergency')),
    status              text    not null check (status in ('pending', 'sent', 'delivered', 'read', 'failed')),
    provider_message_id text,
    attempts            integer not null,
    claims              integer not null default 0,
    due_at              text    not null,
    lease               text,
    error_code          text,
    error_text          text,
    since               text    not null,
    created_at          text    not null,
    sent_at             text,
    delivered_at        text,
    read_at             text,
    failed_at           text,
    -- When the worker took the job by answering it.
    acknowledged_at     text,
    -- The request's updated_at when this message was last taken to be sent: as of then is what it says.
    content_at          text,
    check ((worker_id is null) <> (renter_id is null))
) strict;

create index maintenance_notifications_request_id_idx on maintenance_notifications (request_id, created_at);
-- For claims: each channel's organisations in turn, of each the most urgent messages first, and of those the ones that
-- have been due longest.
create index maintenance_notifications_due_idx on maintenance_notifications
    (channel, organization_id, priority, due_at, id) where status = 'pending';
-- For the clean-up, the oldest first.
create index maintenance_notifications_clean_up_idx on maintenance_notifications (created_at) where status <> 'pending';

-- The provider's ids of each message, which are its channel's. A message that went out more than once has several.
create table maintenance_notification_sends (
    provider_message_id text    not null,
    channel             text    not null,
    notification_id     text    not null references maintenance_notifications (id),
    attempt             integer not null,
    at                  text    not null,
    primary key (provider_message_id, channel)
) strict;

create index maintenance_notification_sends_notification_id_idx on maintenance_notification_sends (notification_id);

-- Webhook updates whose message isn't known yet. They are kept for a while; `next` says as JSON what to do about a
-- failure.
create table maintenance_early_deliveries (
    provider_message_id text not null,
    channel             text not null,
    event               text not null check (event in ('sent', 'delivered', 'read', 'failed')),
    at                  text not null,
    error_code          text,
    error_text          text,
    next                text,
    received_at         text not null,
    primary key (provider_message_id, channel, event, at)
) strict;

create index maintenance_early_deliveries_received_at_idx on maintenance_early_deliveries (received_at);

-- Messages from phones, kept before they are answered. `sender` is the key by which one sender's messages are applied in
-- order: their number's digits, or the provider's id of whoever hides the number. The payload is JSON; it is removed once
-- the message is applied.
create table maintenance_inbound (
    id                  text not null primary key,
    channel             text not null,
    provider_message_id text not null,
    sender              text not null,
    wa_id               text,
    user_id             text,
    kind                text not null,
    payload             text not null,
    replies_to          text,
    sent_at             text not null,
    received_at         text not null,
    due_at              text not null,
    lease               text,
    claims              integer not null,
    -- What it is about, once that is known.
    organization_id     text,
    request_id          text,
    -- Since when it waits for its sender to say which request it is about.
    asked_at            text,
    applied_at          text,
    outcome             text
) strict;

create unique index maintenance_inbound_provider_key on maintenance_inbound (provider_message_id, channel);
-- For claims: each sender's messages in their order.
create index maintenance_inbound_open_idx on maintenance_inbound
    (channel, sender, sent_at, received_at, id) where applied_at is null;
create index maintenance_inbound_request_id_idx on maintenance_inbound (request_id) where request_id is not null;
create index maintenance_inbound_clean_up_idx on maintenance_inbound (received_at) where applied_at is not null;

-- What is known of each worker on a channel: the ids under which messages reach them, and when they were last heard.
create table maintenance_worker_channels (
    worker_id    text not null references maintenance_workers (id),
    channel      text not null,
    wa_id        text,
    user_id      text,
    last_inbound text,
    primary key (worker_id, channel)
) strict;

create index maintenance_worker_channels_wa_id_idx   on maintenance_worker_channels (wa_id);
create index maintenance_worker_channels_user_id_idx on maintenance_worker_channels (user_id);

-- What is known of each renter on a channel: the ids under which messages reach them, the request that they were last
-- written to about, and when they were last heard.
create table maintenance_renter_channels (
    organization_id text not null,
    renter_id       text not null,
    channel         text not null,
    request_id      text not null,
    wa_id           text,
    user_id         text,
    last_inbound    text,
    primary key (organization_id, renter_id, channel)
) strict;

create index maintenance_renter_channels_wa_id_idx   on maintenance_renter_channels (wa_id);
create index maintenance_renter_channels_user_id_idx on maintenance_renter_channels (user_id);

-- The renters who want no news, by whichever channel. `channel` is the one by which they said so; null if the host did.
create table maintenance_opt_outs (
    organization_id text not null,
    renter_id       text not null,
    channel         text,
    at              text not null,
    primary key (organization_id, renter_id)
) strict;

-- Who follows the events, and how far they have come. Events are written only while there is somebody.
create table maintenance_event_consumers (
    name     text    not null primary key,
    position integer not null
) strict;

-- What happened. There is one writer at a time, so events get their positions as they are written. Positions aren't given
-- twice, also when all events are gone (`autoincrement`).
create table maintenance_events (
    position        integer primary key autoincrement,
    about           text not null,
    kind            text not null,
    organization_id text not null,
    request_id      text,
    at              text not null,
    detail          text
) strict;

create unique index maintenance_events_about_key on maintenance_events (about, kind);
