//! What needs no database: selection, and a webhook's signature and parsing.

use std::{collections::BTreeMap, hint::black_box};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use hmac::{Hmac, KeyInit as _, Mac as _};
use maintenance_core::{Candidate, Need, Priority, SelectionPolicy, Specialty, WorkerStatus, select};
use maintenance_whatsapp::{
    SecretString,
    webhook::{Signature, parse},
};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    Result,
    dataset::{Kind, fresh, numbered},
    work::Work,
};

/// Choosing among so many candidates, with the explanation.
pub(crate) struct Selecting {
    need: Need,
    candidates: Vec<Candidate>,
}

impl Selecting {
    pub(crate) fn among(n: u32) -> Self {
        let trades = [Specialty::PLUMBING, Specialty::ELECTRICAL, Specialty::HVAC, Specialty::GENERAL];
        let candidate = |n: u32| {
            // Scattered, so that the ranking has work to do.
            let mixed = n.wrapping_mul(2_654_435_761) >> 8;
            Candidate {
                worker_id: numbered(Kind::Worker, mixed).into(),
                status: if mixed % 25 == 24 { WorkerStatus::OnLeave } else { WorkerStatus::Active },
                specialties: trades.iter().cycle().skip((mixed % 4) as usize).take(2).cloned().collect(),
                is_primary: n == 7,
                open_requests: mixed / 16 % 14,
                last_assigned_at: DateTime::from_timestamp(1_800_000_000, 0)
                    .map(|at| at + TimeDelta::seconds(i64::from(mixed % 100_000))),
            }
        };
        let need = Need {
            specialty: Some(Specialty::PLUMBING),
            priority: Priority::Medium,
            excluded: BTreeMap::new(),
        };
        Self { need, candidates: (0..n).map(candidate).collect() }
    }
}

#[async_trait]
impl Work for Selecting {
    async fn once(&self) -> Result<u64> {
        black_box(select(black_box(&self.need), black_box(&self.candidates), SelectionPolicy::default()));
        Ok(1)
    }
}

/// A webhook as Meta posts it, with its signature.
#[derive(Clone)]
pub(crate) struct Post {
    body: Vec<u8>,
    header: String,
}

const SECRET: &str = "load-app-secret";

fn mac(body: &[u8]) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).map_err(|_| "no key")?;
    mac.update(body);
    Ok(mac)
}

impl Post {
    /// With so many statuses, as Meta writes them: conversation and pricing with each.
    pub(crate) fn of(statuses: u32) -> Result<Self> {
        let statuses: Vec<Value> = (0..statuses)
            .map(|n| {
                json!({
                    "id": format!("wamid.HBgLMTIwMjU1NTAxMjMVAgARGBI{n:08X}AA=="),
                    "status": "delivered",
                    "timestamp": "1790000000",
                    "recipient_id": "12025550123",
                    "biz_opaque_callback_data": fresh().to_string(),
                    "conversation": {"id": format!("{n:032x}"), "origin": {"type": "utility"}},
                    "pricing": {"billable": true, "pricing_model": "PMP", "category": "utility"},
                })
            })
            .collect();
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": {"display_phone_number": "12025550100", "phone_number_id": "106540352242922"},
                "statuses": statuses,
            }}]}],
        });
        let body = serde_json::to_vec(&body)?;
        let header = format!("sha256={}", hex::encode(mac(&body)?.finalize().into_bytes()));
        Ok(Self { body, header })
    }
}

/// Verifying and parsing it as the engine does.
pub(crate) struct Receiving(pub(crate) Post, pub(crate) SecretString);

impl Receiving {
    pub(crate) fn new(post: Post) -> Self {
        Self(post, SecretString::from(SECRET))
    }
}

#[async_trait]
impl Work for Receiving {
    async fn once(&self) -> Result<u64> {
        let Self(post, secret) = self;
        Signature::from_header(Some(post.header.as_bytes()))?.verify(secret, &post.body)?;
        Ok(u64::try_from(
            black_box(parse(black_box(&post.body), chrono::DateTime::UNIX_EPOCH)).updates.len(),
        )?)
    }
}

/// The same bytes by HMAC and as any JSON.
pub(crate) struct PlainJson(pub(crate) Post);

#[async_trait]
impl Work for PlainJson {
    async fn once(&self) -> Result<u64> {
        let Self(post) = self;
        let given = hex::decode(post.header.trim_start_matches("sha256="))?;
        mac(&post.body)?.verify_slice(&given).map_err(|_| "the signature is wrong")?;
        let value: Value = serde_json::from_slice(black_box(&post.body))?;
        let statuses =
            black_box(&value).pointer("/entry/0/changes/0/value/statuses").and_then(Value::as_array);
        Ok(u64::try_from(statuses.map_or(0, Vec::len))?)
    }
}
