//! Arabic.

use std::collections::BTreeMap;

use maintenance_core::{Action, Answer, News, Priority, Specialty};

use super::{Bodies, Wording, news, templates, texts};
use crate::Template;

pub(super) fn wording() -> Wording {
    Wording {
        language: "ar".to_owned(),
        templates: templates(&Bodies {
            assignment: "مهمة جديدة {{1}}: {{2}}\n\
                         الأولوية: {{3}}\n\
                         المبنى: {{4}}\n\
                         المكان: {{5}}\n\
                         المشكلة: {{6}}\n\
                         المستأجر: {{7}}، الهاتف {{8}}\n\
                         هذه المهمة مسندة إليك. أخبرنا أدناه إن كنت تستطيع القيام بها.",
            withdrawn: "المهمة {{1}} لم تعد لك: {{2}}\n\
                        المبنى: {{3}}\n\
                        لا داعي للذهاب إلى هناك، فقد أُلغيت المهمة أو أُسندت إلى شخص آخر.",
            changed: "تغيّرت المهمة {{1}}: {{2}}\n\
                      الأولوية: {{3}}\n\
                      التخصص: {{4}}\n\
                      المبنى: {{5}}\n\
                      المكان: {{6}}\n\
                      المشكلة: {{7}}\n\
                      في الانتظار: {{8}}\n\
                      ما زالت المهمة مسندة إليك.",
            answer: "المهمة {{1}}، {{2}}: {{3}}\n\
                     هذا رد آلي على رسالتك.",
        }),
        news: renter_news(),
        priorities: texts([
            (Priority::Low, "منخفضة"),
            (Priority::Medium, "متوسطة"),
            (Priority::High, "عالية"),
            (Priority::Emergency, "طارئة"),
        ]),
        trades: texts([
            (Specialty::APPLIANCE, "الأجهزة المنزلية"),
            (Specialty::CARPENTRY, "النجارة"),
            (Specialty::CLEANING, "التنظيف"),
            (Specialty::ELECTRICAL, "الكهرباء"),
            (Specialty::GENERAL, "الصيانة العامة"),
            (Specialty::HVAC, "التدفئة والتكييف"),
            (Specialty::LANDSCAPING, "تنسيق الحدائق"),
            (Specialty::LOCKSMITH, "الأقفال والمفاتيح"),
            (Specialty::PAINTING, "الدهان"),
            (Specialty::PEST_CONTROL, "مكافحة الآفات"),
            (Specialty::PLUMBING, "السباكة"),
            (Specialty::ROOFING, "الأسطح"),
        ]),
        not_stated: "غير محدد".to_owned(),
        not_on_file: "غير متوفر".to_owned(),
        no_hold: "لا".to_owned(),
        hold_until: "حتى {{time}}، {{reason}}".to_owned(),
        answers: answers(),
        which_one_without_list: "لم نعرف أيّ مهمة من مهامك تقصدها رسالتك. اكتب إلينا مرة أخرى من فضلك."
            .to_owned(),
        buttons: texts([
            (Action::Accept, "قبول"),
            (Action::Decline, "لا أستطيع"),
            (Action::Start, "بدء العمل"),
            (Action::Done, "انتهيت"),
            (Action::Choose, "اختر مهمة"),
        ]),
        list_title: "مهامك المفتوحة".to_owned(),
    }
}

fn answers() -> BTreeMap<Answer, String> {
    texts([
        (Answer::Accepted, "شكرًا، المهمة لك الآن."),
        (Answer::Declined, "شكرًا لإبلاغنا. سيتولى شخص آخر هذه المهمة."),
        (Answer::Started, "شكرًا، سجّلنا أنك بدأت العمل."),
        (Answer::Completed, "اكتملت المهمة. شكرًا جزيلًا!"),
        (Answer::Commented, "شكرًا، أُضيفت رسالتك إلى المهمة."),
        (Answer::Attached, "شكرًا، أُضيف ملفك إلى المهمة."),
        (Answer::WhichOne, "أيّ مهمة من مهامك تقصد؟ اخترها من القائمة من فضلك."),
        (Answer::Old, "هذا الزر من رسالة أقدم، لذلك لم يتغير شيء. استخدم أحدث رسالة عن هذه المهمة من فضلك."),
        (Answer::NotStarted, "ابدأ المهمة قبل إنهائها من فضلك."),
        (Answer::AlreadyCompleted, "هذه المهمة مكتملة بالفعل، ولم يبق شيء لتفعله."),
        (Answer::Cancelled, "أُلغيت هذه المهمة، ولا يلزمك فعل شيء."),
        (Answer::NotTheirs, "لم تعد هذه المهمة لك، ولا يلزمك فعل شيء."),
        (Answer::NothingOpen, "ليست لديك مهام مفتوحة حاليًا."),
        (Answer::FileRefused, "تعذّرت إضافة ملفك إلى المهمة. جرّب ملفًا آخر من فضلك."),
        (Answer::TextRefused, "رسالتك أطول من أن تُضاف إلى المهمة. أرسل رسالة أقصر من فضلك."),
        (Answer::OptedOut, "لن تصلك رسائل أخرى عن طلباتك."),
        (Answer::NotRead, "لا أحد يقرأ ما يُكتب هنا. يُرجى التواصل مع إدارة السكن."),
        (Answer::Reopened, "شكرًا لإبلاغنا. أُعيد فتح طلبك."),
        (Answer::TooLate, "أُغلق طلبك منذ مدة أطول من أن يُعاد فتحه. أرسل طلبًا جديدًا من فضلك."),
    ])
}

fn renter_news() -> BTreeMap<News, Template> {
    news([
        (
            News::Filed,
            "استلمنا طلبك {{1}}: {{2}}\n\
             المبنى: {{3}}\n\
             شكرًا لإبلاغنا. أرسل توقف كي لا تصلك رسائل أخرى.",
        ),
        (
            News::Assigned,
            "سيتولى أحد العاملين طلبك {{1}}: {{2}}\n\
             المبنى: {{3}}\n\
             أرسل توقف كي لا تصلك رسائل أخرى.",
        ),
        (
            News::Started,
            "بدأ العمل على طلبك {{1}}: {{2}}\n\
             المبنى: {{3}}\n\
             أرسل توقف كي لا تصلك رسائل أخرى.",
        ),
        (
            News::Done,
            "اكتمل العمل على طلبك {{1}}: {{2}}\n\
             المبنى: {{3}}\n\
             هل ما زالت هناك مشكلة؟ أجب على هذه الرسالة واذكرها. أرسل توقف كي لا تصلك رسائل أخرى.",
        ),
        (
            News::Cancelled,
            "أُلغي طلبك {{1}}: {{2}}\n\
             المبنى: {{3}}\n\
             إن كنت ما زلت تحتاج إلى المساعدة فأرسل طلبًا جديدًا. أرسل توقف كي لا تصلك رسائل أخرى.",
        ),
    ])
}
