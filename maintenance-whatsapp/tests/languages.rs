//! The languages: each wording whole and within the limits, and which one a message goes out in.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::collections::BTreeSet;

use maintenance_core::{
    Action, Answer, Hold, HoldReason, Language, Name, News, NotificationKind, Notifier as _, Outgoing,
    PlaceText, Priority, Specialty, Title,
};
use maintenance_whatsapp::{CloudApi, CloudApiConfig, Wording, Wordings, fake::FakeCloudApi};
use support::{config, fake, message};

fn language(code: &str) -> Language {
    Language::new(code).unwrap()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Everything that a wording says, without its placeholders.
fn fixed(wording: &Wording) -> Vec<String> {
    let Wording { templates, news, priorities, trades, answers, buttons, .. } = wording;
    let single = [
        &wording.not_stated,
        &wording.not_on_file,
        &wording.no_hold,
        &wording.hold_until,
        &wording.which_one_without_list,
        &wording.list_title,
    ];
    let templates = templates.values().chain(news.values());
    let texts = templates.map(|template| &template.body).chain(priorities.values());
    let texts = texts.chain(trades.values()).chain(answers.values()).chain(buttons.values()).chain(single);
    texts.map(|text| without_placeholders(text)).collect()
}

fn without_placeholders(text: &str) -> String {
    let mut parts = text.split("{{");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once("}}").unwrap().1)
}

fn words(wording: &Wording) -> BTreeSet<String> {
    let letters = |c: char| !c.is_alphabetic();
    let of = |text: &String| text.split(letters).map(str::to_lowercase).collect::<Vec<_>>();
    fixed(wording).iter().flat_map(of).filter(|word| word.chars().count() >= 4).collect()
}

#[test]
fn every_wording_says_everything_within_the_limits() {
    for wording in Wording::all() {
        let code = &wording.language;
        assert!(fixed(&wording).iter().all(|text| !text.trim().is_empty()), "{code}");
        let mut kinds = NotificationKind::ALL.iter().filter(|kind| **kind != NotificationKind::News);
        assert!(kinds.all(|kind| wording.templates.contains_key(kind)), "{code}");
        assert!(News::ALL.iter().all(|news| wording.news.contains_key(news)), "{code}");
        assert!(Priority::ALL.iter().all(|priority| wording.priorities.contains_key(priority)), "{code}");
        assert!(Answer::ALL.iter().all(|answer| wording.answers.contains_key(answer)), "{code}");
        assert!(Action::ALL.iter().all(|action| wording.buttons.contains_key(action)), "{code}");
        assert!(Specialty::USUAL.iter().all(|trade| wording.trades.contains_key(trade)), "{code}");
        for (most, text) in
            wording.buttons.values().map(|title| (20, title)).chain([(24, &wording.list_title)])
        {
            assert!(units(text) <= most, "{code}: {text} has {} characters", units(text));
        }
        let distinct = |texts: Vec<&String>| texts.iter().collect::<BTreeSet<_>>().len() == texts.len();
        assert!(distinct(wording.buttons.values().collect()), "{code}: two buttons have one title");
        assert!(distinct(wording.answers.values().collect()), "{code}: two answers have one text");
        assert!(distinct(wording.trades.values().collect()), "{code}: two trades have one name");
        CloudApi::new(CloudApiConfig {
            base_url: "http://127.0.0.1:9".into(),
            wordings: Wordings::new(wording),
            ..config()
        })
        .unwrap();
    }
}

#[test]
fn the_templates_keep_the_form_that_meta_asks_for() {
    for wording in Wording::all() {
        let english = Wording::english();
        let of_kinds = wording
            .templates
            .iter()
            .map(|(kind, template)| (kind.to_string(), template, &english.templates[kind]));
        let of_news = wording
            .news
            .iter()
            .map(|(news, template)| (format!("news {news}"), template, &english.news[news]));
        for (kind, template, english) in of_kinds.chain(of_news) {
            let body = &template.body;
            assert!(!body.starts_with("{{") && !body.ends_with("}}"), "{} {kind}", wording.language);
            assert!(!body.contains("}}{{") && !body.contains("}} {{"), "{} {kind}", wording.language);
            assert_eq!((&template.name, &template.parameters), (&english.name, &english.parameters));
            assert_eq!(template.buttons, english.buttons);
        }
        let assignment = &wording.templates[&NotificationKind::Assignment];
        assert_eq!(assignment.buttons, [Action::Accept, Action::Decline]);
    }
}

#[test]
fn arabic_and_hindi_hold_no_letter_of_another_script() {
    let scripts = [(Wording::arabic(), '\u{600}'..='\u{6FF}'), (Wording::hindi(), '\u{900}'..='\u{97F}')];
    for (wording, own) in scripts {
        for text in fixed(&wording) {
            let strange: String = text.chars().filter(|c| c.is_alphabetic() && !own.contains(c)).collect();
            assert!(strange.is_empty(), "{strange} in {text}");
        }
    }
}

#[test]
fn no_word_of_one_language_stands_in_another() {
    let english = words(&Wording::english());
    // Words that both languages have, spelt alike.
    for (wording, shared) in [
        (Wording::spanish(), vec!["control", "general"]),
        (Wording::french(), vec!["long", "message"]),
        (Wording::portuguese(), vec![]),
    ] {
        let words = words(&wording);
        let both: Vec<_> = words.intersection(&english).map(String::as_str).collect();
        assert_eq!(both, shared, "{}", wording.language);
    }
}

#[test]
fn a_message_goes_out_in_its_language_or_one_of_the_same_base_or_the_default() {
    let api = |wordings| {
        CloudApi::new(CloudApiConfig { base_url: "http://127.0.0.1:9".into(), wordings, ..config() }).unwrap()
    };
    let all = api(Wordings::default());
    let mut portugal = Wording::portuguese();
    portugal.language = "pt".to_owned();
    let own = api(Wordings::new(Wording::hindi()).with(portugal).with(Wording::portuguese()));
    for (code, of_all, of_own) in [
        ("en", "en", "hi"),
        ("es", "es", "hi"),
        ("es_MX", "es", "hi"),
        ("ar", "ar", "hi"),
        ("hi", "hi", "hi"),
        ("pt_BR", "pt_BR", "pt_BR"),
        ("pt", "pt_BR", "pt"),
        ("pt_PT", "pt_BR", "pt"),
        ("de", "en", "hi"),
    ] {
        for kind in NotificationKind::ALL {
            let Outgoing { notification_id, to, content, .. } = message();
            let message = Outgoing::new(notification_id, *kind, to, content).language(Some(language(code)));
            let message = message.news((*kind == NotificationKind::News).then_some(News::Done));
            let of = |api: &CloudApi| api.template(&message).unwrap().split_once('/').unwrap().1.to_owned();
            assert_eq!((of(&all).as_str(), of(&own).as_str()), (of_all, of_own), "{code}");
        }
    }
    assert_eq!(all.template(&message()).as_deref(), Some("maintenance_request/en"));
    assert_eq!(own.template(&message()).as_deref(), Some("maintenance_request/hi"));
}

#[tokio::test]
async fn what_the_directory_does_not_know_is_said_in_the_language_of_the_message() {
    let (fake, api) = fake().await;
    let Outgoing { notification_id, to, mut content, .. } = message();
    (content.place, content.renter) = (None, None);
    content.specialty = Some(Specialty::PEST_CONTROL);
    let until = Some("2026-03-01T12:00:00Z".parse().unwrap());
    content.hold = Some(Hold { reason: HoldReason::new("falta una pieza").unwrap(), until });
    let spanish = |kind| {
        Outgoing::new(notification_id, kind, to.clone(), content.clone()).language(Some(language("es_MX")))
    };
    api.notify(&spanish(NotificationKind::Assignment)).await.unwrap();
    api.notify(&spanish(NotificationKind::Changed)).await.unwrap();
    let sent = fake.messages();
    assert_eq!(
        sent[0].text,
        "Nuevo trabajo #1042: Sink leaks\nPrioridad: alta\nEdificio: sin indicar\nLugar: Kitchen, flat 4\n\
         Problema: Water on the kitchen floor\nInquilino: no consta, teléfono no consta\n\
         Este trabajo se le ha asignado. Díganos abajo si puede hacerlo."
    );
    assert_eq!(
        sent[1].text,
        "El trabajo #1042 ha cambiado: Sink leaks\nPrioridad: alta\nOficio: control de plagas\nEdificio: sin indicar\n\
         Lugar: Kitchen, flat 4\nProblema: Water on the kitchen floor\n\
         En espera: hasta el 2026-03-01 12:00 UTC, falta una pieza\nEl trabajo sigue siendo suyo."
    );
}

#[tokio::test]
async fn a_trade_of_the_hosts_own_keeps_its_name() {
    let (fake, api) = fake().await;
    let Outgoing { notification_id, to, mut content, .. } = message();
    content.specialty = Some(Specialty::new("Well Drilling").unwrap());
    let change = Outgoing::new(notification_id, NotificationKind::Changed, to, content);
    api.notify(&change).await.unwrap();
    assert!(fake.messages()[0].text.contains("\nTrade: well drilling\n"));
}

#[tokio::test]
async fn right_to_left_texts_stay_whole_in_a_left_to_right_template() {
    let (fake, api) = fake().await;
    let mut message = message();
    message.content.title = Title::new("تسرب\u{200F} في\u{202E} الحوض").unwrap();
    message.content.renter.as_mut().unwrap().name = Name::new("\u{202B}ليلى\u{202C} مثال").unwrap();
    api.notify(&message).await.unwrap();
    assert_eq!(
        fake.messages()[0].text,
        "New job #1042: تسرب في الحوض\nPriority: high\nBuilding: Riverside, 12 Quay Street, flat 4\n\
         Where: Kitchen, flat 4\nWhat is wrong: Water on the kitchen floor\n\
         Renter: ليلى مثال, phone +12025550123\n\
         This job is assigned to you. Please tell us below whether you can do it."
    );
}

#[tokio::test]
async fn left_to_right_texts_stay_whole_in_a_right_to_left_template() {
    let (fake, api) = fake().await;
    let mut message = message().language(Some(language("ar")));
    message.content.place.as_mut().unwrap().complex =
        Some(PlaceText::new("\u{2066}Riverside\u{2069}").unwrap());
    api.notify(&message).await.unwrap();
    assert_eq!(
        fake.messages()[0].text,
        "مهمة جديدة #1042: Sink leaks\nالأولوية: عالية\nالمبنى: Riverside, 12 Quay Street, flat 4\n\
         المكان: Kitchen, flat 4\nالمشكلة: Water on the kitchen floor\n\
         المستأجر: Zoë Example، الهاتف +12025550123\n\
         هذه المهمة مسندة إليك. أخبرنا أدناه إن كنت تستطيع القيام بها."
    );
}

#[tokio::test]
async fn a_host_replaces_any_text_and_adds_languages() {
    let mut english = Wording::english();
    english.priorities.insert(Priority::High, "today".to_owned());
    let mut german = Wording::english();
    german.language = "de".to_owned();
    german.templates.get_mut(&NotificationKind::Assignment).unwrap().name = "neuer_auftrag".to_owned();
    let wordings = Wordings::new(english).with(german);
    assert_eq!(wordings.iter().count(), 2);
    let fake = FakeCloudApi::start(CloudApiConfig { wordings, ..config() }).await.unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    api.notify(&message()).await.unwrap();
    let german = message().language(Some(language("de_AT")));
    assert_eq!(api.template(&german).as_deref(), Some("neuer_auftrag/de"));
    api.notify(&german).await.unwrap();
    assert!(fake.messages()[0].text.contains("\nPriority: today\n"));
    assert!(fake.messages()[1].text.contains("\nPriority: high\n"));
}
