//! A webhook of 1,000 statuses, and one of 1,000 messages from phones: verified and parsed, beside HMAC and any JSON over
//! the same bytes.

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
fn status(n: u32) -> Value {
    json!({
        "id": format!("wamid.HBgLMTIwMjU1NTAxMjMVAgARGBI{n:08X}AA=="),
        "status": "delivered",
        "timestamp": "1790000000",
        "recipient_id": "12025550123",
        "biz_opaque_callback_data": format!("6f1b0f0e-5d0c-4a3e-9c39-{n:012x}"),
        "conversation": {"id": format!("{n:032x}"), "origin": {"type": "utility"}},
        "pricing": {"billable": true, "pricing_model": "PMP", "category": "utility"},
    })
}

/// As Meta writes them: texts, taps of a template's button, and photos.
fn message(n: u32) -> Value {
    let (kind, content) = match n % 3 {
        0 => (
            "text",
            json!({"body": format!("The valve in flat {n} is closed, I come back on Tuesday with the part")}),
        ),
        1 => (
            "button",
            json!({"payload": format!("start:6f1b0f0e-5d0c-4a3e-9c39-{n:012x}"), "text": "I begin"}),
        ),
        _ => (
            "image",
            json!({
                "id": format!("27548594{n:08}"), "mime_type": "image/jpeg", "caption": "The leak",
                "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
            }),
        ),
    };
    json!({
        "context": {"from": "12025550100", "id": format!("wamid.HBgLMTIwMjU1NTAxMjMVAgARGBI{n:08X}AA==")},
        "from": "12025550123",
        "id": format!("wamid.HBgLMTIwMjU1NTAxMjMVAgASGBQ{n:08X}AA=="),
        "timestamp": "1790000000",
        "type": kind,
        kind: content,
    })
}

/// A post with these statuses or messages.
fn post(name: &str, items: &[Value]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "12025550100", "phone_number_id": "106540352242922"},
            "contacts": [{"profile": {"name": "Zoë Example"}, "wa_id": "12025550123"}],
            name: items,
        }}]}],
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let statuses = post("statuses", &(0..1_000).map(status).collect::<Vec<_>>())?;
    let messages = post("messages", &(0..1_000).map(message).collect::<Vec<_>>())?;
    let read = (
        parse(&statuses, chrono::DateTime::UNIX_EPOCH).updates.len(),
        parse(&messages, chrono::DateTime::UNIX_EPOCH).inbound.len(),
    );
    if read != (1_000, 1_000) {
        return Err("not every item was read".into());
    }
    measure(&mut criterion, "webhook of 1,000 statuses", &statuses)?;
    measure(&mut criterion, "webhook of 1,000 messages", &messages)?;
    criterion.final_summary();
    Ok(())
}

fn measure(criterion: &mut Criterion, name: &str, body: &[u8]) -> Result<(), Box<dyn Error>> {
    let signature = mac(body).ok_or("no key")?.finalize().into_bytes();
    let header = format!("sha256={}", hex::encode(signature));
    let secret = SecretString::from(SECRET);
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(u64::try_from(body.len())?));
    group.bench_function("verify", |bench| {
        bench.iter(|| {
            let signature = Signature::from_header(Some(black_box(header.as_bytes())));
            signature.and_then(|signature| signature.verify(&secret, black_box(body)))
        });
    });
    group.bench_function("parse", |bench| {
        bench.iter(|| parse(black_box(body), chrono::DateTime::UNIX_EPOCH));
    });
    group.bench_function("verify and parse", |bench| {
        bench.iter(|| {
            let signature = Signature::from_header(Some(black_box(header.as_bytes())));
            let verified = signature.and_then(|signature| signature.verify(&secret, black_box(body)));
            verified.map(|()| parse(black_box(body), chrono::DateTime::UNIX_EPOCH))
        });
    });
    group.bench_function("baseline: HMAC and serde_json::Value", |bench| {
        bench.iter(|| {
            let verified = mac(black_box(body)).map(|mac| mac.verify_slice(&signature));
            (verified, serde_json::from_slice::<Value>(black_box(body)))
        });
    });
    group.finish();
    Ok(())
}
