//! The orders that statements compare by: how far a message has come, and how urgent a priority is.
//!
//! Each order is one list of values with their places. `delivery_order!(place_of "n.status")` is the SQL
//! expression of a status's place, `delivery_order!(at "w.progress")` that of the status at a place.
//! `delivery_order!(list)` is the list itself; the tests hold it against the core's order.

macro_rules! order {
    (place_of $sql:literal; $($value:literal $place:literal)*) => {
        concat!("case ", $sql $(, " when '", $value, "' then ", $place)*, " end")
    };
    (at $sql:literal; $($value:literal $place:literal)*) => {
        concat!("case ", $sql $(, " when ", $place, " then '", $value, "'")*, " end")
    };
    // One statement for each value, in the list's order.
    (union_all $arm:ident; $first:literal $first_place:literal $($value:literal $place:literal)*) => {
        concat!($arm!($first, $first_place) $(, " union all ", $arm!($value, $place))*)
    };
    (list; $($value:literal $place:literal)*) => { &[$(($value, $place)),*] };
}

/// The order of `WhatsAppStatus::progress`. Whatever comes by webhook moves a message up this order only.
macro_rules! delivery_order {
    ($($form:tt)*) => {
        $crate::order::order!($($form)*; "pending" 0 "sent" 1 "failed" 2 "delivered" 3 "read" 4)
    };
}

/// The order of `Priority`, listed from the most urgent down.
macro_rules! urgency {
    ($($form:tt)*) => {
        $crate::order::order!($($form)*; "emergency" 3 "high" 2 "medium" 1 "low" 0)
    };
}

pub(crate) use {delivery_order, order, urgency};

#[cfg(test)]
mod tests {
    use maintenance_core::WhatsAppStatus;

    #[test]
    fn the_order_of_deliveries_is_the_cores() {
        let mut statuses = WhatsAppStatus::ALL.to_vec();
        statuses.sort_by_key(|status| status.progress());
        let order: Vec<_> = statuses.iter().map(|status| (status.as_str(), status.progress())).collect();
        assert_eq!(order, delivery_order!(list));
    }

    #[test]
    fn the_order_of_urgency_is_the_cores() {
        let priorities = maintenance_core::Priority::ALL.iter().enumerate().rev();
        let order: Vec<_> = priorities.map(|(place, priority)| (priority.as_str(), place)).collect();
        assert_eq!(order, urgency!(list));
    }
}
