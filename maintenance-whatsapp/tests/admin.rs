//! What the fake answers to an operator: about the token, the number, the templates and the apps.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use maintenance_core::Notifier as _;
use maintenance_whatsapp::{CloudApi, Wording, Wordings, fake::FakeCloudApi, reqwest::Client};
use serde_json::{Value, json};
use support::{config, fake, message};

const TOKEN: &str = "EAAtoken";
const ACCOUNT: &str = FakeCloudApi::BUSINESS_ACCOUNT_ID;

/// The HTTP status, and the response.
async fn get(fake: &FakeCloudApi, token: &str, path: &str) -> (u16, Value) {
    let request = Client::new().get(format!("{}/v26.0/{path}", fake.config().base_url));
    let response = request.header("authorization", format!("Bearer {token}")).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

async fn post(fake: &FakeCloudApi, body: &Value) -> (u16, Value) {
    let url = format!("{}/v26.0/{ACCOUNT}/message_templates", fake.config().base_url);
    let request = Client::new().post(url).header("authorization", format!("Bearer {TOKEN}"));
    let request = request.header("content-type", "application/json").body(body.to_string());
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

/// The code and the subcode of an error.
fn code((status, answer): &(u16, Value)) -> (u16, i64, Option<i64>) {
    let error = &answer["error"];
    (*status, error["code"].as_i64().unwrap(), error["error_subcode"].as_i64())
}

#[tokio::test]
async fn a_wrong_token_an_unknown_id_and_an_unknown_field_are_refused() {
    let (fake, _) = fake().await;
    for path in
        ["106540352242922", &format!("{ACCOUNT}/message_templates"), &format!("{ACCOUNT}/subscribed_apps")]
    {
        assert_eq!(code(&get(&fake, "another", path).await), (401, 190, None), "{path}");
    }
    for path in ["7?fields=id", "7/message_templates", "7/subscribed_apps"] {
        assert_eq!(code(&get(&fake, TOKEN, path).await), (400, 100, Some(33)), "{path}");
    }
    for path in ["106540352242922", &format!("{ACCOUNT}/message_templates")] {
        let unknown = get(&fake, TOKEN, &format!("{path}?fields=name_status,nonsense")).await;
        assert_eq!(code(&unknown), (400, 100, None), "{path}");
    }
    for query in ["limit=0", "limit=x", "after=x", "appsecret_proof=00"] {
        let refused = get(&fake, TOKEN, &format!("{ACCOUNT}/message_templates?{query}")).await;
        assert_eq!(code(&refused), (400, 100, None), "{query}");
    }
}

#[tokio::test]
async fn a_number_has_the_fields_that_are_asked_for() {
    let (fake, _) = fake().await;
    fake.set_number_field("quality_rating", "RED");
    let number = get(&fake, TOKEN, "106540352242922?fields=quality_rating,platform_type").await;
    let fields = json!({"id": "106540352242922", "quality_rating": "RED", "platform_type": "CLOUD_API"});
    assert_eq!(number, (200, fields));
}

#[tokio::test]
async fn a_token_is_described_to_its_app_alone() {
    let (fake, _) = fake().await;
    let app = format!("{}|the-secret", FakeCloudApi::APP_ID);
    let path = format!("debug_token?input_token={TOKEN}");
    assert_eq!(code(&get(&fake, &app, &path).await), (401, 190, None), "the fake has no secret yet");
    fake.set_app_secret("the-secret");
    assert_eq!(code(&get(&fake, TOKEN, &path).await), (401, 190, None));
    let (status, answer) = get(&fake, &app, &path).await;
    assert_eq!(
        (status, &answer["data"]["is_valid"], &answer["data"]["expires_at"]),
        (200, &true.into(), &0.into())
    );
    let (status, answer) = get(&fake, &app, "debug_token?input_token=another").await;
    assert_eq!((status, &answer["data"]["is_valid"]), (200, &false.into()));
    assert_eq!(code(&get(&fake, &app, "debug_token").await), (400, 100, None));
}

#[tokio::test]
async fn the_list_of_templates_comes_in_pages() {
    let (fake, _) = fake().await;
    let mut names = vec![];
    let mut after = "0".to_owned();
    loop {
        let query = format!("{ACCOUNT}/message_templates?fields=name,language,status&limit=10&after={after}");
        let (_, page) = get(&fake, TOKEN, &query).await;
        for template in page["data"].as_array().unwrap() {
            assert_eq!(template["status"], "APPROVED");
            names.push((template["name"].to_string(), template["language"].to_string()));
        }
        if page["paging"]["next"].is_null() {
            break;
        }
        after = page["paging"]["cursors"]["after"].as_str().unwrap().to_owned();
    }
    assert_eq!(names.len(), Wordings::default().iter().map(|it| it.registrations().len()).sum::<usize>());
}

#[tokio::test]
async fn each_of_our_templates_is_registered_and_then_sends() {
    let fake = FakeCloudApi::start(config()).await.unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    let sends = async || api.notify(&message()).await.map(|_| ()).map_err(|error| error.error.code);
    for registration in Wording::all().iter().flat_map(Wording::registrations) {
        fake.remove_template(&registration.name, &registration.language);
        let body = serde_json::to_value(&registration).unwrap();
        let (status, answer) = post(&fake, &body).await;
        assert_eq!(
            (status, &answer["status"], &answer["category"]),
            (200, &"APPROVED".into(), &"UTILITY".into())
        );
        assert_eq!(code(&post(&fake, &body).await), (400, 100, Some(2_388_024)));
    }
    assert_eq!(sends().await, Ok(()));
    assert_eq!(fake.messages()[0].buttons[1].0, "I can't do it");
    for (status, answer) in
        [("PAUSED", "132015"), ("DISABLED", "132016"), ("PENDING", "132001"), ("REJECTED", "132001")]
    {
        fake.set_template_status("maintenance_request", "en", status);
        assert_eq!(sends().await, Err(answer.to_owned()), "{status}");
    }
    fake.remove_template("maintenance_request", "en");
    assert_eq!(sends().await, Err("132001".to_owned()));
    fake.set_new_template_status("PENDING");
    let english = serde_json::to_value(&Wording::english().registrations()[0]).unwrap();
    assert_eq!(post(&fake, &english).await.1["status"], "PENDING");
    assert_eq!(sends().await, Err("132001".to_owned()));
}

#[tokio::test]
async fn a_registration_that_meta_would_refuse_is_refused() {
    let (fake, _) = fake().await;
    let mut good = serde_json::to_value(&Wording::english().registrations()[0]).unwrap();
    good["name"] = "another".into();
    let button = |title: &str| json!({"type": "QUICK_REPLY", "text": title});
    for (path, wrong) in [
        ("/name", "Has Capitals".into()),
        ("/name", Value::Null),
        ("/language", "english".into()),
        ("/category", "OTHER".into()),
        ("/parameter_format", "OTHER".into()),
        ("/parameter_format", "NAMED".into()),
        ("/components", json!([])),
        ("/components/0/type", "HEADER".into()),
        ("/components/0/text", "".into()),
        ("/components/0/text", "x".repeat(1025).into()),
        ("/components/0/text", "{{1}} {{2}} {{3}} {{4}} {{5}} {{6}} {{7}} and {{8}}.".into()),
        ("/components/0/text", "One {{1}} too few.".into()),
        ("/components/0/text", "Of {{1}} {{2}} {{3}} {{4}} {{5}} {{6}} {{7}} and {{9}}.".into()),
        ("/components/0/example/body_text/0", json!(["one"])),
        ("/components/0/example", json!({})),
        ("/components/1/buttons", json!([])),
        ("/components/1/buttons", json!([button("Same"), button("Same")])),
        ("/components/1/buttons/0/text", "x".repeat(26).into()),
        ("/components/1/buttons/0/type", "URL".into()),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = wrong;
        assert_eq!(code(&post(&fake, &body).await), (400, 100, None), "{path}");
    }
    let mut unknown = good.clone();
    unknown["colour"] = "red".into();
    assert_eq!(code(&post(&fake, &unknown).await), (400, 100, None));
    assert_eq!(post(&fake, &good).await.0, 200);
}

#[tokio::test]
async fn the_subscribed_apps_are_those_that_were_set() {
    let (fake, _) = fake().await;
    let path = format!("{ACCOUNT}/subscribed_apps");
    let (_, apps) = get(&fake, TOKEN, &path).await;
    assert_eq!(apps["data"][0]["whatsapp_business_api_data"]["id"], FakeCloudApi::APP_ID);
    fake.set_subscribed_apps(&[]);
    assert_eq!(get(&fake, TOKEN, &path).await, (200, json!({"data": []})));
}
