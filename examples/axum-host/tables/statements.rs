//! The host's statements that both databases share.

pub(super) const USER: &str = "select organization_id, role from users where id = $1";
pub(super) const USER_COMPLEXES: &str = "select complex_id from user_complexes where user_id = $1";
pub(super) const HAS_COMPLEX: &str =
    "select count(*) > 0 from complexes where organization_id = $1 and id = $2";
pub(super) const COMPLEX_OF: &str = "
    select p.complex_id
      from properties p
      join complexes c on c.id = p.complex_id
     where c.organization_id = $1 and p.id = $2";
pub(super) const HOME: &str = "
    select r.property_id, p.complex_id
      from renters r
      join properties p on p.id = r.property_id
      join users u on u.id = r.id
     where u.organization_id = $1 and r.id = $2";
pub(super) const INTAKE: &str = "select reference, received_at from intake where request_id = $1";
pub(super) const ADD_INTAKE: &str =
    "insert into intake (request_id, organization_id, reference, received_at) values ($1, $2, $3, $4)";
pub(super) const FORGET_CONTACT: &str = "update renters set name = $2, phone_number = '' where id = $1";
pub(super) const FORGET_REFERENCES: &str = "
    update intake set reference = null
     where request_id in (select id from maintenance_requests where renter_id = $1)";
pub(super) const HAS_RENTERS: &str = "select count(*) > 0 from renters";

/// Writes a row for a user who is new or the same, and none if the id is somebody else's.
pub(super) const ADD_USER: &str = "
    insert into users as u (id, organization_id, role) values ($1, $2, $3)
    on conflict (id) do update set role = excluded.role
     where u.organization_id = excluded.organization_id and u.role = excluded.role";
pub(super) const ADD_USER_COMPLEX: &str =
    "insert into user_complexes (user_id, complex_id) values ($1, $2) on conflict do nothing";
pub(super) const ADD_COMPLEX: &str =
    "insert into complexes (id, organization_id, name) values ($1, $2, $3) on conflict do nothing";
pub(super) const ADD_PROPERTY: &str =
    "insert into properties (id, complex_id, label) values ($1, $2, $3) on conflict do nothing";
pub(super) const ADD_RENTER: &str = "insert into renters (id, property_id, name, phone_number) values ($1, $2, $3, $4) on conflict do nothing";
