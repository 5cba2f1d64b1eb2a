//! Hindi.

use maintenance_core::{Action, Answer, Priority, Specialty};

use super::{Bodies, Wording, templates, texts};

pub(super) fn wording() -> Wording {
    Wording {
        language: "hi".to_owned(),
        templates: templates(&Bodies {
            assignment: "नया काम {{1}}: {{2}}\n\
                         प्राथमिकता: {{3}}\n\
                         इमारत: {{4}}\n\
                         जगह: {{5}}\n\
                         समस्या: {{6}}\n\
                         किराएदार: {{7}}, फ़ोन {{8}}\n\
                         यह काम आपको सौंपा गया है। कृपया नीचे बताएँ कि क्या आप इसे कर सकते हैं।",
            withdrawn: "काम {{1}} अब आपका नहीं है: {{2}}\n\
                        इमारत: {{3}}\n\
                        आपको वहाँ जाने की ज़रूरत नहीं है। काम रद्द हो गया है या किसी और को दे दिया गया है।",
            changed: "काम {{1}} में बदलाव हुआ है: {{2}}\n\
                      प्राथमिकता: {{3}}\n\
                      काम का प्रकार: {{4}}\n\
                      इमारत: {{5}}\n\
                      जगह: {{6}}\n\
                      समस्या: {{7}}\n\
                      रुका हुआ: {{8}}\n\
                      यह काम अब भी आपका है।",
            answer: "काम {{1}}, {{2}}: {{3}}\n\
                     यह आपके संदेश का स्वचालित जवाब है।",
        }),
        priorities: texts([
            (Priority::Low, "कम"),
            (Priority::Medium, "मध्यम"),
            (Priority::High, "उच्च"),
            (Priority::Emergency, "आपातकालीन"),
        ]),
        trades: texts([
            (Specialty::APPLIANCE, "घरेलू उपकरण"),
            (Specialty::CARPENTRY, "बढ़ईगीरी"),
            (Specialty::CLEANING, "सफ़ाई"),
            (Specialty::ELECTRICAL, "बिजली का काम"),
            (Specialty::GENERAL, "सामान्य रखरखाव"),
            (Specialty::HVAC, "हीटिंग और एयर कंडीशनिंग"),
            (Specialty::LANDSCAPING, "बागवानी"),
            (Specialty::LOCKSMITH, "ताला-चाबी"),
            (Specialty::PAINTING, "रंगाई-पुताई"),
            (Specialty::PEST_CONTROL, "कीट नियंत्रण"),
            (Specialty::PLUMBING, "नल का काम"),
            (Specialty::ROOFING, "छत का काम"),
        ]),
        not_stated: "नहीं बताया गया".to_owned(),
        not_on_file: "उपलब्ध नहीं".to_owned(),
        no_hold: "नहीं".to_owned(),
        hold_until: "{{time}} तक, {{reason}}".to_owned(),
        answers: texts([
            (Answer::Accepted, "धन्यवाद, यह काम अब आपका है।"),
            (Answer::Declined, "बताने के लिए धन्यवाद। यह काम कोई और करेगा।"),
            (Answer::Started, "धन्यवाद, हमने दर्ज कर लिया है कि आपने काम शुरू कर दिया है।"),
            (Answer::Completed, "काम पूरा हो गया है। बहुत-बहुत धन्यवाद!"),
            (Answer::Commented, "धन्यवाद, आपका संदेश काम में जोड़ दिया गया है।"),
            (Answer::Attached, "धन्यवाद, आपकी फ़ाइल काम में जोड़ दी गई है।"),
            (Answer::WhichOne, "यह आपके किस काम के बारे में है? कृपया सूची में से चुनें।"),
            (
                Answer::Old,
                "वह बटन एक पुराने संदेश का है, इसलिए कुछ नहीं बदला है। कृपया इस काम के सबसे नए संदेश का उपयोग करें।",
            ),
            (Answer::NotStarted, "कृपया काम पूरा करने से पहले उसे शुरू करें।"),
            (Answer::AlreadyCompleted, "यह काम पहले ही पूरा हो चुका है। अब कुछ करना बाकी नहीं है।"),
            (Answer::Cancelled, "यह काम रद्द कर दिया गया है। आपको कुछ करने की ज़रूरत नहीं है।"),
            (Answer::NotTheirs, "यह काम अब आपका नहीं है। आपको कुछ करने की ज़रूरत नहीं है।"),
            (Answer::NothingOpen, "अभी आपके पास कोई काम बाकी नहीं है।"),
            (Answer::FileRefused, "आपकी फ़ाइल काम में नहीं जोड़ी जा सकी। कृपया कोई दूसरी फ़ाइल भेजें।"),
            (Answer::TextRefused, "आपका संदेश काम में जोड़ने के लिए बहुत लंबा है। कृपया छोटा संदेश भेजें।"),
        ]),
        which_one_without_list: "हम समझ नहीं पाए कि आपका संदेश किस काम के बारे में है। कृपया हमें फिर से लिखें।".to_owned(),
        buttons: texts([
            (Action::Accept, "स्वीकार करें"),
            (Action::Decline, "नहीं हो पाएगा"),
            (Action::Start, "शुरू करें"),
            (Action::Done, "काम पूरा हुआ"),
            (Action::Choose, "काम चुनें"),
        ]),
        list_title: "आपके बाकी काम".to_owned(),
    }
}
