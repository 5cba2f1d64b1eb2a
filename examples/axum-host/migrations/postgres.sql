-- The host's own tables. Its customers, the organisations, share them.

create table complexes (
    id              uuid not null primary key,
    organization_id uuid not null,
    name            text not null
);

create table properties (
    id         uuid not null primary key,
    complex_id uuid not null references complexes (id),
    label      text not null
);

-- Who may log in: what they are, and for which organisation.
create table users (
    id              uuid not null primary key,
    organization_id uuid not null,
    role            text not null check (role in ('renter', 'worker', 'landlord', 'assistant'))
);

-- The complexes of an assistant, who is a landlord of these alone.
create table user_complexes (
    user_id    uuid not null references users (id),
    complex_id uuid not null references complexes (id),
    primary key (user_id, complex_id)
);

create table renters (
    id           uuid not null primary key references users (id),
    property_id  uuid not null references properties (id),
    name         text not null,
    phone_number text not null
);

-- What the host notes of a request when it takes it in: one row per request, written in the same transaction.
-- The foreign key to the engine's table is the host's to have: the engine's migrations run first.
create table intake (
    request_id      uuid        not null primary key references maintenance_requests (id),
    organization_id uuid        not null,
    reference       text,
    received_at     timestamptz not null,
    unique (organization_id, reference)
);
