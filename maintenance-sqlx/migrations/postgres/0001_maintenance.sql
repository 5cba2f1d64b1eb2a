-- The specification's six tables, and the outbox. Names are unqualified: the connection's search_path decides
-- the schema. Ids of the host's entities have no foreign key here: the host may add its own.

create table maintenance_workers (
    id           uuid        not null primary key,
    organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
    first_name   text        not null,
    last_name    text        not null,
    phone_number text        not null,
    email        text        not null,
    specialties  text[]      not null,
    status       text        not null check (status in ('active', 'inactive', 'on_leave')),
    created_at   timestamptz not null,
    updated_at   timestamptz not null
);

create index maintenance_workers_phone_number_idx on maintenance_workers (phone_number);
create index maintenance_workers_status_idx       on maintenance_workers (status);
create index maintenance_workers_list_idx         on maintenance_workers (organization_id, created_at, id);

create table complex_maintenance_assignments (
    id          uuid        not null primary key,
    organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
    worker_id   uuid        not null references maintenance_workers (id),
    complex_id  uuid        not null,
    is_primary  boolean     not null,
    assigned_at timestamptz not null,
    updated_at  timestamptz not null
);

create index complex_maintenance_assignments_worker_id_idx  on complex_maintenance_assignments (worker_id);
create index complex_maintenance_assignments_complex_id_idx on complex_maintenance_assignments (complex_id);
create unique index complex_maintenance_assignments_pair_key
    on complex_maintenance_assignments (worker_id, complex_id);
-- At most one primary worker per complex.
create unique index complex_maintenance_assignments_primary_key
    on complex_maintenance_assignments (organization_id, complex_id) where is_primary;

create table maintenance_requests (
    id                  uuid        not null primary key,
    organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
    renter_id           uuid        not null,
    title               text        not null,
    description         text        not null,
    status              text        not null check (status in ('pending', 'in_progress', 'completed', 'cancelled')),
    priority            text        not null check (priority in ('low', 'medium', 'high', 'emergency')),
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    completed_at        timestamptz,
    property_id         uuid        not null,
    location            text        not null,
    assigned_worker_id  uuid        references maintenance_workers (id),
    whatsapp_message_id text,
    whatsapp_status     text        not null
        check (whatsapp_status in ('pending', 'sent', 'delivered', 'read', 'failed')),
    complex_id          uuid        not null,
    specialty           text,
    version             integer     not null,
    -- What it was submitted with, by which a repeat is recognised whatever was edited since.
    fingerprint         uuid,
    -- What the work waits for, and until when; a time only with a reason.
    hold_reason         text,
    hold_until          timestamptz,
    -- The newest notification. It is written with this request at once; the two whatsapp columns mirror its state.
    notification_id     uuid,
    -- The short number for people, from maintenance_numbers.
    number              integer     not null
);

create index maintenance_requests_renter_id_idx          on maintenance_requests (renter_id);
create index maintenance_requests_status_idx             on maintenance_requests (status);
create index maintenance_requests_created_at_idx         on maintenance_requests (created_at);
create index maintenance_requests_assigned_worker_id_idx on maintenance_requests (assigned_worker_id);
create index maintenance_requests_whatsapp_status_idx    on maintenance_requests (whatsapp_status);
-- For the newest-first lists. Those that any organisation has begin with it; a complex, a property, a renter and a
-- worker are of one organisation. A list by complex or by status merges one query per status and priority, so that a
-- rare one is found without reading past the others. "Nulls last" keeps the planner from using the index on
-- created_at instead, with which it would read past all requests in search of something rare.
create index maintenance_requests_list_idx on maintenance_requests
    (organization_id, created_at desc nulls last, id desc nulls last);
create index maintenance_requests_unassigned_list_idx on maintenance_requests
    (organization_id, created_at desc nulls last, id desc nulls last) where assigned_worker_id is null;
create index maintenance_requests_complex_list_idx on maintenance_requests
    (complex_id, status, created_at desc nulls last, id desc nulls last);
create index maintenance_requests_property_list_idx on maintenance_requests
    (property_id, created_at desc nulls last, id desc nulls last);
create index maintenance_requests_status_list_idx on maintenance_requests
    (organization_id, status, priority, created_at desc nulls last, id desc nulls last);
create index maintenance_requests_whatsapp_list_idx on maintenance_requests
    (organization_id, whatsapp_status, created_at desc nulls last, id desc nulls last);
-- The list of a worker, and the time at which the worker was last given work.
create index maintenance_requests_worker_list_idx on maintenance_requests
    (assigned_worker_id, created_at desc nulls last, id desc nulls last);
-- A worker's open requests: their list and their number.
create index maintenance_requests_open_work_idx on maintenance_requests
    (assigned_worker_id, created_at desc nulls last, id desc nulls last)
    where status in ('pending', 'in_progress');
create index maintenance_requests_trade_list_idx on maintenance_requests
    (organization_id, specialty, created_at desc nulls last, id desc nulls last) where specialty is not null;
-- What has waited for longest, and what has changed since a time.
create index maintenance_requests_updated_list_idx on maintenance_requests
    (organization_id, status, updated_at, id);
-- What was completed last. A request that isn't completed isn't in it, so that filing one doesn't write it.
create index maintenance_requests_completed_list_idx on maintenance_requests
    (organization_id, completed_at, id) where completed_at is not null;
create unique index maintenance_requests_number_key on maintenance_requests (organization_id, number);

-- The next number of each of an organisation's sixteen slots: slot s gives s + 1, s + 17, s + 33 and so on. A filing takes
-- a slot that no open transaction holds, so that none waits for another. The fill factor keeps the updates within the page.
create table maintenance_numbers (
    organization_id uuid    not null,
    slot            integer not null,
    next            integer not null,
    primary key (organization_id, slot)
) with (fillfactor = 50);

insert into maintenance_numbers (organization_id, slot, next)
select '00000000-0000-0000-0000-000000000000', slot, slot + 1 from generate_series(0, 15) slot;

create table maintenance_attachments (
    id         uuid        not null primary key,
    request_id uuid        not null references maintenance_requests (id),
    file_url   text        not null,
    file_type  text        not null,
    created_at timestamptz not null
);

create index maintenance_attachments_request_id_idx on maintenance_attachments (request_id);

create table maintenance_comments (
    id         uuid        not null primary key,
    organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
    request_id uuid        not null references maintenance_requests (id),
    user_id    uuid        not null,
    user_type  text        not null check (user_type in ('renter', 'landlord', 'maintenance_staff')),
    comment    text        not null,
    created_at timestamptz not null
);

create index maintenance_comments_request_id_idx on maintenance_comments (request_id);
create index maintenance_comments_user_id_idx    on maintenance_comments (user_id);
create index maintenance_comments_list_idx       on maintenance_comments (organization_id, created_at, id);
create index maintenance_comments_user_list_idx  on maintenance_comments
    (user_id, created_at nulls first, id nulls first);

create table maintenance_status_history (
    id              uuid        not null primary key,
    request_id      uuid        not null references maintenance_requests (id),
    previous_status text        not null
        check (previous_status in ('pending', 'in_progress', 'completed', 'cancelled')),
    new_status      text        not null check (new_status in ('pending', 'in_progress', 'completed', 'cancelled')),
    changed_by      uuid        not null,
    changed_at      timestamptz not null,
    notes           text
);

create index maintenance_status_history_request_id_idx on maintenance_status_history (request_id);
create index maintenance_status_history_changed_at_idx on maintenance_status_history (changed_at);

-- The words of each request's title, description and location, and of each comment, which the text search reads: in a table
-- of their own, since each further version of an indexed row is indexed again, and a request has many. Each has the word
-- ':' with the organisation's id besides, which no text has. The id is the request's or the comment's.
create table maintenance_texts (
    request_id uuid     not null,
    is_comment boolean  not null,
    id         uuid     not null,
    words      tsvector not null,
    primary key (request_id, is_comment, id)
);

create index maintenance_texts_words_idx on maintenance_texts using gin (words);

-- New texts whose words aren't in maintenance_texts yet. A dispatcher moves them there, so that a submit doesn't wait for
-- the index of words.
create table maintenance_unindexed_texts (
    request_id uuid    not null,
    is_comment boolean not null,
    id         uuid    not null,
    primary key (request_id, is_comment, id)
);

-- Who had a request, when and why, which the status history can't say. `ranking` holds the first candidates of the
-- selection as JSON.
create table maintenance_assignment_history (
    id                 uuid not null primary key,
    request_id         uuid not null references maintenance_requests (id),
    previous_worker_id uuid,
    new_worker_id      uuid,
    changed_by         uuid not null,
    changed_at         timestamptz not null,
    cause              text not null,
    notes              text,
    ranking            text not null
);

create index maintenance_assignment_history_request_id_idx on maintenance_assignment_history (request_id);

-- What was edited in a request: a row per field, with its value before and after as text; of a hold, as JSON.
create table maintenance_edits (
    id         uuid not null primary key,
    request_id uuid not null references maintenance_requests (id),
    edited_by  uuid not null,
    edited_at  timestamptz not null,
    field      text not null,
    before     text,
    after      text
);

create index maintenance_edits_request_id_idx on maintenance_edits (request_id);

-- The fill factor leaves room on each page for the updates of a message's life, so that they needn't touch every index.
create table maintenance_notifications (
    id                  uuid        not null primary key,
    organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
    -- The number that it goes out by; texts in byte order, so that claims compare them fast.
    channel             text        collate "C" not null default 'default',
    request_id          uuid        not null references maintenance_requests (id),
    -- It goes to a worker or to a renter.
    worker_id           uuid        references maintenance_workers (id),
    renter_id           uuid,
    kind                text        not null,
    -- What it answers, for the kind 'answer'.
    answer              text,
    -- What it tells, for the kind 'news'.
    news                text,
    priority            text        not null check (priority in ('low', 'medium', 'high', 'emergency')),
    status              text        not null check (status in ('pending', 'sent', 'delivered', 'read', 'failed')),
    provider_message_id text,
    attempts            integer     not null,
    claims              integer     not null default 0,
    due_at              timestamptz not null,
    lease               uuid,
    error_code          text,
    error_text          text,
    since               timestamptz not null,
    created_at          timestamptz not null,
    sent_at             timestamptz,
    delivered_at        timestamptz,
    read_at             timestamptz,
    failed_at           timestamptz,
    -- When the worker took the job by answering it.
    acknowledged_at     timestamptz,
    -- The request's updated_at when this message was last taken to be sent: as of then is what it says.
    content_at          timestamptz,
    -- The index of due messages is on this column, which changes once, and not on the status, so that the later
    -- updates of a message's life touch no indexed column.
    waiting             boolean     not null generated always as (status = 'pending') stored,
    -- The request was locked when this message moved, so the request's whatsapp columns are still to be updated.
    mirror_owed         boolean     not null default false,
    check ((worker_id is null) <> (renter_id is null))
) with (fillfactor = 80);

create index maintenance_notifications_request_id_idx on maintenance_notifications (request_id, created_at);
-- For claims: each channel's organisations in turn, of each the most urgent messages first, and of those the ones that
-- have been due longest.
create index maintenance_notifications_due_idx on maintenance_notifications
    (channel, organization_id, priority, due_at, id) where waiting;
create index maintenance_notifications_mirror_owed_idx on maintenance_notifications (id) where mirror_owed;
-- For the clean-up, the oldest first. A message comes into it when it is sent or fails, and its later updates
-- leave it alone.
create index maintenance_notifications_clean_up_idx on maintenance_notifications (created_at) where not waiting;

-- The provider's ids of each message, which are its channel's. A message that went out more than once has several.
create table maintenance_notification_sends (
    provider_message_id text        not null,
    channel             text        collate "C" not null,
    notification_id     uuid        not null references maintenance_notifications (id),
    attempt             integer     not null,
    at                  timestamptz not null,
    primary key (provider_message_id, channel)
);

create index maintenance_notification_sends_notification_id_idx on maintenance_notification_sends (notification_id);

-- Webhook updates whose message isn't known yet. They are kept for a while; `next` says as JSON what to do about a
-- failure.
create table maintenance_early_deliveries (
    provider_message_id text         not null,
    channel             text         collate "C" not null,
    event               text         not null check (event in ('sent', 'delivered', 'read', 'failed')),
    at                  timestamptz not null,
    error_code          text,
    error_text          text,
    next                text,
    received_at         timestamptz not null,
    primary key (provider_message_id, channel, event, at)
);

create index maintenance_early_deliveries_received_at_idx on maintenance_early_deliveries (received_at);

-- Messages from phones, kept before they are answered. `sender` is the key by which one sender's messages are applied in
-- order: their number's digits, or the provider's id of whoever hides the number. The payload is JSON; it is removed once
-- the message is applied.
create table maintenance_inbound (
    id                  uuid not null primary key,
    channel             text collate "C" not null,
    provider_message_id text not null,
    sender              text collate "C" not null,
    wa_id               text,
    user_id             text,
    kind                text not null,
    payload             text not null,
    replies_to          text,
    sent_at             timestamptz not null,
    received_at         timestamptz not null,
    due_at              timestamptz not null,
    lease               uuid,
    claims              integer not null,
    -- What it is about, once that is known.
    organization_id     uuid,
    request_id          uuid,
    -- Since when it waits for its sender to say which request it is about.
    asked_at            timestamptz,
    applied_at          timestamptz,
    outcome             text
);

create unique index maintenance_inbound_provider_key on maintenance_inbound (provider_message_id, channel);
-- For claims: each sender's messages in their order.
create index maintenance_inbound_open_idx on maintenance_inbound
    (channel, sender, sent_at, received_at, id) where applied_at is null;
create index maintenance_inbound_request_id_idx on maintenance_inbound (request_id) where request_id is not null;
create index maintenance_inbound_clean_up_idx on maintenance_inbound (received_at) where applied_at is not null;

-- What is known of each worker on a channel: the ids under which messages reach them, and when they were last heard.
create table maintenance_worker_channels (
    worker_id    uuid not null references maintenance_workers (id),
    channel      text collate "C" not null,
    wa_id        text,
    user_id      text,
    last_inbound timestamptz,
    primary key (worker_id, channel)
);

create index maintenance_worker_channels_wa_id_idx   on maintenance_worker_channels (wa_id);
create index maintenance_worker_channels_user_id_idx on maintenance_worker_channels (user_id);

-- What is known of each renter on a channel: the ids under which messages reach them, the request that they were last
-- written to about, and when they were last heard.
create table maintenance_renter_channels (
    organization_id uuid not null,
    renter_id       uuid not null,
    channel         text collate "C" not null,
    request_id      uuid not null,
    wa_id           text,
    user_id         text,
    last_inbound    timestamptz,
    primary key (organization_id, renter_id, channel)
);

create index maintenance_renter_channels_wa_id_idx   on maintenance_renter_channels (wa_id);
create index maintenance_renter_channels_user_id_idx on maintenance_renter_channels (user_id);

-- The renters who want no news, by whichever channel. `channel` is the one by which they said so; null if the host did.
create table maintenance_opt_outs (
    organization_id uuid not null,
    renter_id       uuid not null,
    channel         text collate "C",
    at              timestamptz not null,
    primary key (organization_id, renter_id)
);

-- Who follows the events, and how far they have come. Events are written only while there is somebody.
create table maintenance_event_consumers (
    name     text   not null primary key,
    position bigint not null
);

-- What happened. An event is written with what it tells of, without a position: transactions commit in another order than
-- they write. Whoever reads gives positions to what was committed meanwhile, one reader at a time.
create table maintenance_events (
    about           uuid        not null,
    kind            text        not null,
    organization_id uuid        not null,
    request_id      uuid,
    at              timestamptz not null,
    detail          text,
    position        bigint,
    primary key (about, kind)
);

create unique index maintenance_events_position_idx on maintenance_events (position) where position is not null;
create index maintenance_events_fresh_idx on maintenance_events (at) where position is null;

-- The last position that was given: one row, which readers lock.
create table maintenance_event_position (
    one  integer not null primary key check (one = 1),
    last bigint  not null
);

insert into maintenance_event_position (one, last) values (1, 0);
