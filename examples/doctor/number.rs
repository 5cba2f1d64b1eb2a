//! The number that sends.

use serde_json::Value;

use super::{Finding, Settings, graph::Graph};

const FIELDS: &str = "display_phone_number,verified_name,quality_rating,code_verification_status,name_status,\
                      throughput,platform_type";

/// Whether the number is there and connected, how its recipients judge it, and whether its name is approved.
pub(super) async fn number(graph: &Graph, settings: &Settings) -> Vec<Finding> {
    match graph.get(&settings.config.phone_number_id, &[("fields", FIELDS)]).await {
        Ok(number) => vec![connected(&number), quality(&number), name(&number)],
        Err(error) if error.is_missing() => vec![Finding::wrong(
            "number",
            "there is no number with this id, or the token may not see it",
            "check that WHATSAPP_PHONE_NUMBER_ID is the number's id (WhatsApp Manager, Phone numbers) and not the \
             number itself, and that the system user of the token has the WhatsApp account among its assets",
        )],
        Err(error) => vec![super::unchecked("number", &error)],
    }
}

fn text<'a>(number: &'a Value, path: &str) -> &'a str {
    number.pointer(path).and_then(Value::as_str).unwrap_or("unknown")
}

fn connected(number: &Value) -> Finding {
    let who = format!("{} ({})", text(number, "/display_phone_number"), text(number, "/verified_name"));
    let throughput = match text(number, "/throughput/level") {
        "STANDARD" => ", up to 80 messages per second",
        "HIGH" => ", up to 1,000 messages per second",
        _ => "",
    };
    let register = "register it with the Cloud API: POST {number id}/register with messaging_product and a pin of 6 \
                    digits, or WhatsApp Manager, Phone numbers";
    match (text(number, "/platform_type"), text(number, "/code_verification_status")) {
        ("CLOUD_API", _) => {
            Finding::good("number", format!("{who} is connected to the Cloud API{throughput}"))
        }
        (platform, "NOT_VERIFIED") => Finding::wrong(
            "number",
            format!("{who} isn't connected to the Cloud API (platform {platform}) and isn't verified"),
            format!("verify it by SMS or call in WhatsApp Manager, then {register}"),
        ),
        (platform, _) => Finding::wrong(
            "number",
            format!("{who} isn't connected to the Cloud API (platform {platform})"),
            register,
        ),
    }
}

fn quality(number: &Value) -> Finding {
    match text(number, "/quality_rating") {
        "GREEN" => Finding::good("quality", "GREEN: recipients don't complain"),
        "YELLOW" => Finding::warning(
            "quality",
            "YELLOW: some recipients block or report the number",
            "send only what recipients expect; Meta pauses templates that are reported again",
        ),
        "RED" => Finding::wrong(
            "quality",
            "RED: many recipients block or report the number, and Meta may limit it or pause its templates",
            "find out in WhatsApp Manager (Insights) which template is reported, and stop what isn't wanted; the rating \
             covers the last 7 days",
        ),
        _ => Finding::good("quality", "Meta has no rating yet: too few messages were sent"),
    }
}

fn name(number: &Value) -> Finding {
    match text(number, "/name_status") {
        "APPROVED" | "AVAILABLE_WITHOUT_REVIEW" => Finding::good("display name", "approved"),
        "PENDING_REVIEW" => {
            Finding::warning("display name", "Meta reviews it", "wait for the review; messages go out")
        }
        status => Finding::warning(
            "display name",
            format!(
                "it isn't approved ({status}), so recipients see the number alone and fewer messages may be sent"
            ),
            "choose a name that shows who the business is, in WhatsApp Manager under Phone numbers",
        ),
    }
}
