//! The fake itself: as strict as the API, and faulty when it is told to.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use maintenance_core::Notifier as _;
use maintenance_whatsapp::fake::Fault;
use support::{TO, fake, message, worker};

#[tokio::test]
async fn the_fake_refuses_what_the_api_refuses() {
    let (fake, api) = fake().await;
    api.notify(&message()).await.unwrap();
    let good: serde_json::Value = serde_json::from_slice(&fake.messages()[0].body).unwrap();
    let client = reqwest::Client::new();
    let url = format!("{}/v26.0/106540352242922/messages", fake.config().base_url);
    let parameter = "/template/components/0/parameters/0/text";
    for (path, wrong, code) in [
        ("/messaging_product", "telegram".into(), 100),
        ("/recipient_type", "group".into(), 100),
        ("/to", "16505551234".into(), 131_009),
        ("/to", "+1650555x234".into(), 131_009),
        ("/to", serde_json::Value::Null, 131_008),
        ("/type", "text".into(), 131_047),
        ("/type", "fax".into(), 100),
        ("/template/name", "other".into(), 132_001),
        ("/template/language/code", "de".into(), 132_001),
        ("/template/components", serde_json::json!([]), 132_000),
        (parameter, "".into(), 132_018),
        (parameter, "a\nb".into(), 132_018),
        (parameter, "a\tb".into(), 132_018),
        (parameter, "a     b".into(), 132_018),
        (parameter, "x".repeat(1_000).into(), 132_005),
        ("/template/components/1/type", "footer".into(), 132_018),
        ("/template/components/1/sub_type", "url".into(), 132_018),
        ("/template/components/1/index", 0.into(), 132_018),
        ("/template/components/1/index", "2".into(), 132_018),
        ("/template/components/1/parameters", serde_json::json!([]), 131_008),
        ("/template/components/1/parameters/0/type", "text".into(), 132_018),
        ("/template/components/1/parameters/0/payload", "".into(), 131_008),
        ("/template/components/1/parameters/0/payload", "x".repeat(129).into(), 132_018),
        ("/biz_opaque_callback_data", "x".repeat(513).into(), 100),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = wrong;
        let request = client.post(&url).header("authorization", "Bearer EAAtoken");
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 400, "{path}");
        let answer: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["error"]["code"], code, "{path}");
        for part in ["message", "type", "fbtrace_id"] {
            assert!(answer["error"][part].is_string(), "{part}");
        }
        assert!(answer["error"]["error_data"]["details"].is_string());
    }
    assert_eq!(fake.messages().len(), 1);
}

#[tokio::test]
async fn faults_come_when_they_are_told_to() {
    let (fake, api) = fake().await;
    let codes = async |to: &str, n: usize| {
        let mut message = message();
        message.to = worker(to);
        let mut codes = vec![];
        for _ in 0..n {
            codes.push(api.notify(&message).await.err().map(|error| error.error.code));
        }
        codes
    };
    let some = |code: &str| Some(code.to_owned());
    fake.fault(Fault::error(131_026).times(2));
    fake.fault(Fault::error(131_000));
    assert_eq!(codes(TO, 4).await, [some("131026"), some("131026"), some("131000"), None]);
    fake.heal();
    fake.fault(Fault::error(2).every(3));
    assert_eq!(codes(TO, 6).await, [None, None, some("2"), None, None, some("2")]);
    fake.heal();
    fake.fault(Fault::error(131_021).always().to("+61491570006"));
    assert_eq!(codes(TO, 1).await, [None]);
    assert_eq!(codes("+61491570006", 2).await, [some("131021"), some("131021")]);
}
