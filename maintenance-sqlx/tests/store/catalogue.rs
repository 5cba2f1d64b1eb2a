//! The columns, foreign keys and indexes of the specification's tables and of our own.

/// What a column holds. Each database has its own type for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Text,
    Texts,
    Flag,
    Time,
    Count,
}

use Kind::{Count, Flag, Id, Text, Texts, Time};

pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Name, kind, whether nullable.
    pub(crate) columns: &'static [(&'static str, Kind, bool)],
    /// Column, and the table whose `id` it references.
    pub(crate) references: &'static [(&'static str, &'static str)],
    /// Columns, whether unique, whether partial; the primary key among them.
    pub(crate) indexes: &'static [(&'static str, bool, bool)],
    /// Columns whose values are an enum's.
    pub(crate) enums: &'static [&'static str],
}

pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "maintenance_workers",
        columns: &[
            ("id", Id, false),
            ("organization_id", Id, false),
            ("first_name", Text, false),
            ("last_name", Text, false),
            ("phone_number", Text, false),
            ("email", Text, false),
            ("specialties", Texts, false),
            ("status", Text, false),
            ("created_at", Time, false),
            ("updated_at", Time, false),
        ],
        references: &[],
        indexes: &[
            ("id", true, false),
            ("phone_number", false, false),
            ("status", false, false),
            ("organization_id,created_at,id", false, false),
        ],
        enums: &["status"],
    },
    Table {
        name: "complex_maintenance_assignments",
        columns: &[
            ("id", Id, false),
            ("organization_id", Id, false),
            ("worker_id", Id, false),
            ("complex_id", Id, false),
            ("is_primary", Flag, false),
            ("assigned_at", Time, false),
            ("updated_at", Time, false),
        ],
        references: &[("worker_id", "maintenance_workers")],
        indexes: &[
            ("id", true, false),
            ("worker_id", false, false),
            ("complex_id", false, false),
            ("worker_id,complex_id", true, false),
            ("organization_id,complex_id", true, true),
        ],
        enums: &[],
    },
    Table {
        name: "maintenance_requests",
        columns: &[
            ("id", Id, false),
            ("organization_id", Id, false),
            ("renter_id", Id, false),
            ("title", Text, false),
            ("description", Text, false),
            ("status", Text, false),
            ("priority", Text, false),
            ("created_at", Time, false),
            ("updated_at", Time, false),
            ("completed_at", Time, true),
            ("property_id", Id, false),
            ("location", Text, false),
            ("assigned_worker_id", Id, true),
            ("whatsapp_message_id", Text, true),
            ("whatsapp_status", Text, false),
            ("complex_id", Id, false),
            ("specialty", Text, true),
            ("version", Count, false),
            ("fingerprint", Id, true),
            ("hold_reason", Text, true),
            ("hold_until", Time, true),
            ("notification_id", Id, true),
            ("number", Count, false),
        ],
        references: &[("assigned_worker_id", "maintenance_workers")],
        indexes: &[
            ("id", true, false),
            ("renter_id", false, false),
            ("status", false, false),
            ("created_at", false, false),
            ("assigned_worker_id", false, false),
            ("whatsapp_status", false, false),
            ("organization_id,created_at,id", false, false),
            ("organization_id,created_at,id", false, true),
            ("complex_id,status,created_at,id", false, false),
            ("property_id,created_at,id", false, false),
            ("organization_id,status,priority,created_at,id", false, false),
            ("organization_id,whatsapp_status,created_at,id", false, false),
            ("assigned_worker_id,created_at,id", false, false),
            ("assigned_worker_id,created_at,id", false, true),
            ("organization_id,specialty,created_at,id", false, true),
            ("organization_id,status,updated_at,id", false, false),
            ("organization_id,completed_at,id", false, true),
            ("organization_id,number", true, false),
        ],
        enums: &["status", "priority", "whatsapp_status"],
    },
    Table {
        name: "maintenance_numbers",
        columns: &[("organization_id", Id, false), ("slot", Count, false), ("next", Count, false)],
        references: &[],
        indexes: &[("organization_id,slot", true, false)],
        enums: &[],
    },
    Table {
        name: "maintenance_attachments",
        columns: &[
            ("id", Id, false),
            ("request_id", Id, false),
            ("file_url", Text, false),
            ("file_type", Text, false),
            ("created_at", Time, false),
        ],
        references: &[("request_id", "maintenance_requests")],
        indexes: &[("id", true, false), ("request_id", false, false)],
        enums: &[],
    },
    Table {
        name: "maintenance_comments",
        columns: &[
            ("id", Id, false),
            ("organization_id", Id, false),
            ("request_id", Id, false),
            ("user_id", Id, false),
            ("user_type", Text, false),
            ("comment", Text, false),
            ("created_at", Time, false),
        ],
        references: &[("request_id", "maintenance_requests")],
        indexes: &[
            ("id", true, false),
            ("request_id", false, false),
            ("user_id", false, false),
            ("organization_id,created_at,id", false, false),
            ("user_id,created_at,id", false, false),
        ],
        enums: &["user_type"],
    },
    Table {
        name: "maintenance_status_history",
        columns: &[
            ("id", Id, false),
            ("request_id", Id, false),
            ("previous_status", Text, false),
            ("new_status", Text, false),
            ("changed_by", Id, false),
            ("changed_at", Time, false),
            ("notes", Text, true),
        ],
        references: &[("request_id", "maintenance_requests")],
        indexes: &[("id", true, false), ("request_id", false, false), ("changed_at", false, false)],
        enums: &["previous_status", "new_status"],
    },
    Table {
        name: "maintenance_assignment_history",
        columns: &[
            ("id", Id, false),
            ("request_id", Id, false),
            ("previous_worker_id", Id, true),
            ("new_worker_id", Id, true),
            ("changed_by", Id, false),
            ("changed_at", Time, false),
            ("cause", Text, false),
            ("notes", Text, true),
            ("ranking", Text, false),
        ],
        references: &[("request_id", "maintenance_requests")],
        indexes: &[("id", true, false), ("request_id", false, false)],
        enums: &[],
    },
    Table {
        name: "maintenance_edits",
        columns: &[
            ("id", Id, false),
            ("request_id", Id, false),
            ("edited_by", Id, false),
            ("edited_at", Time, false),
            ("field", Text, false),
            ("before", Text, true),
            ("after", Text, true),
        ],
        references: &[("request_id", "maintenance_requests")],
        indexes: &[("id", true, false), ("request_id", false, false)],
        enums: &[],
    },
    Table {
        name: "maintenance_notifications",
        columns: &[
            ("id", Id, false),
            ("organization_id", Id, false),
            ("channel", Text, false),
            ("request_id", Id, false),
            ("worker_id", Id, true),
            ("renter_id", Id, true),
            ("kind", Text, false),
            ("answer", Text, true),
            ("news", Text, true),
            ("priority", Text, false),
            ("status", Text, false),
            ("provider_message_id", Text, true),
            ("attempts", Count, false),
            ("claims", Count, false),
            ("due_at", Time, false),
            ("lease", Id, true),
            ("error_code", Text, true),
            ("error_text", Text, true),
            ("since", Time, false),
            ("created_at", Time, false),
            ("sent_at", Time, true),
            ("delivered_at", Time, true),
            ("read_at", Time, true),
            ("failed_at", Time, true),
            ("acknowledged_at", Time, true),
            ("content_at", Time, true),
        ],
        references: &[("request_id", "maintenance_requests"), ("worker_id", "maintenance_workers")],
        indexes: &[
            ("id", true, false),
            ("request_id,created_at", false, false),
            ("channel,organization_id,priority,due_at,id", false, true),
            ("created_at", false, true),
        ],
        enums: &["priority", "status"],
    },
    Table {
        name: "maintenance_notification_sends",
        columns: &[
            ("provider_message_id", Text, false),
            ("channel", Text, false),
            ("notification_id", Id, false),
            ("attempt", Count, false),
            ("at", Time, false),
        ],
        references: &[("notification_id", "maintenance_notifications")],
        indexes: &[("provider_message_id,channel", true, false), ("notification_id", false, false)],
        enums: &[],
    },
    Table {
        name: "maintenance_early_deliveries",
        columns: &[
            ("provider_message_id", Text, false),
            ("channel", Text, false),
            ("event", Text, false),
            ("at", Time, false),
            ("error_code", Text, true),
            ("error_text", Text, true),
            ("next", Text, true),
            ("received_at", Time, false),
        ],
        references: &[],
        indexes: &[("provider_message_id,channel,event,at", true, false), ("received_at", false, false)],
        enums: &[],
    },
    Table {
        name: "maintenance_inbound",
        columns: &[
            ("id", Id, false),
            ("channel", Text, false),
            ("provider_message_id", Text, false),
            ("sender", Text, false),
            ("wa_id", Text, true),
            ("user_id", Text, true),
            ("kind", Text, false),
            ("payload", Text, false),
            ("replies_to", Text, true),
            ("sent_at", Time, false),
            ("received_at", Time, false),
            ("due_at", Time, false),
            ("lease", Id, true),
            ("claims", Count, false),
            ("organization_id", Id, true),
            ("request_id", Id, true),
            ("asked_at", Time, true),
            ("applied_at", Time, true),
            ("outcome", Text, true),
        ],
        references: &[],
        indexes: &[
            ("id", true, false),
            ("provider_message_id,channel", true, false),
            ("channel,sender,sent_at,received_at,id", false, true),
            ("request_id", false, true),
            ("received_at", false, true),
        ],
        enums: &[],
    },
    Table {
        name: "maintenance_worker_channels",
        columns: &[
            ("worker_id", Id, false),
            ("channel", Text, false),
            ("wa_id", Text, true),
            ("user_id", Text, true),
            ("last_inbound", Time, true),
        ],
        references: &[("worker_id", "maintenance_workers")],
        indexes: &[("worker_id,channel", true, false), ("wa_id", false, false), ("user_id", false, false)],
        enums: &[],
    },
    Table {
        name: "maintenance_renter_channels",
        columns: &[
            ("organization_id", Id, false),
            ("renter_id", Id, false),
            ("channel", Text, false),
            ("request_id", Id, false),
            ("wa_id", Text, true),
            ("user_id", Text, true),
            ("last_inbound", Time, true),
        ],
        references: &[],
        indexes: &[
            ("organization_id,renter_id,channel", true, false),
            ("wa_id", false, false),
            ("user_id", false, false),
        ],
        enums: &[],
    },
    Table {
        name: "maintenance_opt_outs",
        columns: &[
            ("organization_id", Id, false),
            ("renter_id", Id, false),
            ("channel", Text, true),
            ("at", Time, false),
        ],
        references: &[],
        indexes: &[("organization_id,renter_id", true, false)],
        enums: &[],
    },
];

/// A table as the database describes it. It must be the same as in [`TABLES`].
pub(crate) struct Found {
    /// Name, type, whether nullable.
    pub(crate) columns: Vec<(String, String, bool)>,
    pub(crate) references: Vec<(String, String)>,
    pub(crate) indexes: Vec<(String, bool, bool)>,
}

impl Table {
    pub(crate) fn check(&self, mut found: Found, type_of: impl Fn(Kind) -> &'static str) {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|(name, kind, nullable)| ((*name).to_owned(), type_of(*kind).to_owned(), *nullable))
            .collect();
        assert_eq!(found.columns, columns, "columns of {}", self.name);
        let mut references: Vec<_> =
            self.references.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        references.sort();
        found.references.sort();
        assert_eq!(found.references, references, "foreign keys of {}", self.name);
        let mut indexes: Vec<_> = self
            .indexes
            .iter()
            .map(|(columns, unique, partial)| ((*columns).to_owned(), *unique, *partial))
            .collect();
        indexes.sort();
        found.indexes.sort();
        assert_eq!(found.indexes, indexes, "indexes of {}", self.name);
    }
}
