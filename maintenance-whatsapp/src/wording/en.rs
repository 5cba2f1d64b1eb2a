//! English.

use std::collections::BTreeMap;

use maintenance_core::{Action, Answer, News, Priority, Specialty};

use super::{Bodies, Wording, news, templates, texts};
use crate::Template;

pub(super) fn wording() -> Wording {
    Wording {
        language: "en".to_owned(),
        templates: templates(&Bodies {
            assignment: "New job {{1}}: {{2}}\n\
                         Priority: {{3}}\n\
                         Building: {{4}}\n\
                         Where: {{5}}\n\
                         What is wrong: {{6}}\n\
                         Renter: {{7}}, phone {{8}}\n\
                         This job is assigned to you. Please tell us below whether you can do it.",
            withdrawn: "Job {{1}} is no longer yours: {{2}}\n\
                        Building: {{3}}\n\
                        You don't need to go there. The job was cancelled or given to somebody else.",
            changed: "Job {{1}} was changed: {{2}}\n\
                      Priority: {{3}}\n\
                      Trade: {{4}}\n\
                      Building: {{5}}\n\
                      Where: {{6}}\n\
                      What is wrong: {{7}}\n\
                      On hold: {{8}}\n\
                      The job is still yours.",
            answer: "Job {{1}}, {{2}}: {{3}}\n\
                     This is an automatic reply to your message.",
        }),
        news: renter_news(),
        priorities: texts([
            (Priority::Low, "low"),
            (Priority::Medium, "medium"),
            (Priority::High, "high"),
            (Priority::Emergency, "emergency"),
        ]),
        trades: texts([
            (Specialty::APPLIANCE, "appliances"),
            (Specialty::CARPENTRY, "carpentry"),
            (Specialty::CLEANING, "cleaning"),
            (Specialty::ELECTRICAL, "electrical work"),
            (Specialty::GENERAL, "general maintenance"),
            (Specialty::HVAC, "heating and air conditioning"),
            (Specialty::LANDSCAPING, "landscaping"),
            (Specialty::LOCKSMITH, "locks and keys"),
            (Specialty::PAINTING, "painting"),
            (Specialty::PEST_CONTROL, "pest control"),
            (Specialty::PLUMBING, "plumbing"),
            (Specialty::ROOFING, "roofing"),
        ]),
        not_stated: "not stated".to_owned(),
        not_on_file: "not on file".to_owned(),
        no_hold: "no".to_owned(),
        hold_until: "until {{time}}, {{reason}}".to_owned(),
        answers: answers(),
        which_one_without_list:
            "We couldn't tell which of your jobs your message is about. Please write to us again.".to_owned(),
        buttons: texts([
            (Action::Accept, "Accept"),
            (Action::Decline, "I can't do it"),
            (Action::Start, "Start"),
            (Action::Done, "Done"),
            (Action::Choose, "Choose a job"),
        ]),
        list_title: "Your open jobs".to_owned(),
    }
}

fn answers() -> BTreeMap<Answer, String> {
    texts([
        (Answer::Accepted, "Thanks, the job is yours."),
        (Answer::Declined, "Thanks for telling us. Somebody else will do this job."),
        (Answer::Started, "Thanks, we have noted that you started."),
        (Answer::Completed, "The job is done. Thank you very much!"),
        (Answer::Commented, "Thanks, your message was added to the job."),
        (Answer::Attached, "Thanks, your file was added to the job."),
        (Answer::WhichOne, "Which of your jobs is this about? Please choose it from the list."),
        (
            Answer::Old,
            "That button belongs to an older message, so nothing has changed. Please use the newest message \
                 about this job.",
        ),
        (Answer::NotStarted, "Please start the job before you finish it."),
        (Answer::AlreadyCompleted, "This job is already done. There is nothing left to do."),
        (Answer::Cancelled, "This job was cancelled. You don't need to do anything."),
        (Answer::NotTheirs, "This job is no longer yours. You don't need to do anything."),
        (Answer::NothingOpen, "You have no open jobs at the moment."),
        (Answer::FileRefused, "We couldn't add your file to the job. Please try another file."),
        (Answer::TextRefused, "Your message is too long to be added to the job. Please send a shorter one."),
        (Answer::OptedOut, "You won't get any more messages about your requests."),
        (Answer::NotRead, "Nobody reads what is written here. Please turn to your property manager."),
        (Answer::Reopened, "Thanks for telling us. Your request is open again."),
        (
            Answer::TooLate,
            "Your request was closed too long ago to be opened again. Please send us a new one.",
        ),
    ])
}

fn renter_news() -> BTreeMap<News, Template> {
    news([
        (
            News::Filed,
            "We have received your request {{1}}: {{2}}\n\
             Building: {{3}}\n\
             Thank you for telling us. Reply STOP to get no more messages.",
        ),
        (
            News::Assigned,
            "Somebody will take care of your request {{1}}: {{2}}\n\
             Building: {{3}}\n\
             Reply STOP to get no more messages.",
        ),
        (
            News::Started,
            "The work on your request {{1}} has begun: {{2}}\n\
             Building: {{3}}\n\
             Reply STOP to get no more messages.",
        ),
        (
            News::Done,
            "Your request {{1}} is done: {{2}}\n\
             Building: {{3}}\n\
             Is something still wrong? Reply to this message and tell us what. Reply STOP to get no more messages.",
        ),
        (
            News::Cancelled,
            "Your request {{1}} was cancelled: {{2}}\n\
             Building: {{3}}\n\
             If you still need help, please send us a new request. Reply STOP to get no more messages.",
        ),
    ])
}
