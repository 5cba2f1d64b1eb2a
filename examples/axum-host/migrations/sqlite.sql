-- The host's own tables. Ids are hyphenated text, as the engine keeps them.

create table complexes (
    id   text not null primary key,
    name text not null
);

create table properties (
    id         text not null primary key,
    complex_id text not null references complexes (id),
    label      text not null
);

create table renters (
    id           text not null primary key,
    property_id  text not null references properties (id),
    name         text not null,
    phone_number text not null
);

-- What the host notes of a request when it takes it in: one row a request, written in the same transaction.
-- The foreign key to the engine's table is the host's to have: the engine's migrations run first.
create table intake (
    request_id  text not null primary key references maintenance_requests (id),
    reference   text unique,
    received_at text not null
);
