//! A webhook of 1,000 statuses: verified and parsed, beside HMAC and any JSON over the same bytes.

use std::{error::Error, hint::black_box};

use criterion::{Criterion, Throughput};
use hmac::{Hmac, KeyInit as _, Mac as _};
use maintenance_whatsapp::{
    SecretString,
    webhook::{Signature, parse},
};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "bench-app-secret";

fn mac(body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).ok()?;
    mac.update(body);
    Some(mac)
}

/// As Meta writes them: conversation and pricing with each status.
fn post(statuses: u32) -> Result<Vec<u8>, serde_json::Error> {
    let status = |n: u32| {
        json!({
            "id": format!("wamid.HBgLMTIwMjU1NTAxMjMVAgARGBI{n:08X}AA=="),
            "status": "delivered",
            "timestamp": "1790000000",
            "recipient_id": "12025550123",
            "biz_opaque_callback_data": format!("6f1b0f0e-5d0c-4a3e-9c39-{n:012x}"),
            "conversation": {"id": format!("{n:032x}"), "origin": {"type": "utility"}},
            "pricing": {"billable": true, "pricing_model": "PMP", "category": "utility"},
        })
    };
    serde_json::to_vec(&json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "12025550100", "phone_number_id": "106540352242922"},
            "statuses": (0..statuses).map(status).collect::<Vec<_>>(),
        }}]}],
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let body = post(1_000)?;
    let signature = mac(&body).ok_or("no key")?.finalize().into_bytes();
    let header = format!("sha256={}", hex::encode(signature));
    let secret = SecretString::from(SECRET);
    if parse(&body, chrono::DateTime::UNIX_EPOCH).updates.len() != 1_000 {
        return Err("not every status was read".into());
    }

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("webhook of 1,000 statuses");
    group.throughput(Throughput::Bytes(u64::try_from(body.len())?));
    group.bench_function("verify", |bench| {
        bench.iter(|| {
            let signature = Signature::from_header(Some(black_box(header.as_bytes())));
            signature.and_then(|signature| signature.verify(&secret, black_box(&body)))
        });
    });
    group.bench_function("parse", |bench| {
        bench.iter(|| parse(black_box(&body), chrono::DateTime::UNIX_EPOCH));
    });
    group.bench_function("verify and parse", |bench| {
        bench.iter(|| {
            let signature = Signature::from_header(Some(black_box(header.as_bytes())));
            let verified = signature.and_then(|signature| signature.verify(&secret, black_box(&body)));
            verified.map(|()| parse(black_box(&body), chrono::DateTime::UNIX_EPOCH))
        });
    });
    group.bench_function("baseline: HMAC and serde_json::Value", |bench| {
        bench.iter(|| {
            let verified = mac(black_box(&body)).map(|mac| mac.verify_slice(&signature));
            (verified, serde_json::from_slice::<Value>(black_box(&body)))
        });
    });
    group.finish();
    criterion.final_summary();
    Ok(())
}
