-- The host's own tables. Its customers, the organisations, share them. Ids are hyphenated text, as the engine keeps them.

create table complexes (
    id              text not null primary key,
    organization_id text not null,
    name            text not null
);

create table properties (
    id         text not null primary key,
    complex_id text not null references complexes (id),
    label      text not null
);

-- Who may log in: what they are, and for which organisation.
create table users (
    id              text not null primary key,
    organization_id text not null,
    role            text not null check (role in ('renter', 'worker', 'landlord', 'assistant'))
);

-- The complexes of an assistant, who is a landlord of these alone.
create table user_complexes (
    user_id    text not null references users (id),
    complex_id text not null references complexes (id),
    primary key (user_id, complex_id)
);

create table renters (
    id           text not null primary key references users (id),
    property_id  text not null references properties (id),
    name         text not null,
    phone_number text not null
);

-- What the host notes of a request when it takes it in: one row per request, written in the same transaction.
-- The foreign key to the engine's table is the host's to have: the engine's migrations run first.
create table intake (
    request_id      text not null primary key references maintenance_requests (id),
    organization_id text not null,
    reference       text,
    received_at     text not null,
    unique (organization_id, reference)
);
