//! French.

use std::collections::BTreeMap;

use maintenance_core::{Action, Answer, News, Priority, Specialty};

use super::{Bodies, Wording, news, templates, texts};
use crate::Template;

pub(super) fn wording() -> Wording {
    Wording {
        language: "fr".to_owned(),
        templates: templates(&Bodies {
            assignment: "Nouvelle intervention {{1}} : {{2}}\n\
                         Priorité : {{3}}\n\
                         Bâtiment : {{4}}\n\
                         Lieu : {{5}}\n\
                         Problème : {{6}}\n\
                         Locataire : {{7}}, téléphone {{8}}\n\
                         Cette intervention vous est confiée. Dites-nous ci-dessous si vous pouvez la faire.",
            withdrawn: "L'intervention {{1}} ne vous est plus confiée : {{2}}\n\
                        Bâtiment : {{3}}\n\
                        Inutile de vous y rendre : elle a été annulée ou confiée à quelqu'un d'autre.",
            changed: "L'intervention {{1}} a été modifiée : {{2}}\n\
                      Priorité : {{3}}\n\
                      Métier : {{4}}\n\
                      Bâtiment : {{5}}\n\
                      Lieu : {{6}}\n\
                      Problème : {{7}}\n\
                      En attente : {{8}}\n\
                      Elle vous est toujours confiée.",
            answer: "Intervention {{1}}, {{2}} : {{3}}\n\
                     Ceci est une réponse automatique à votre message.",
        }),
        news: renter_news(),
        priorities: texts([
            (Priority::Low, "basse"),
            (Priority::Medium, "moyenne"),
            (Priority::High, "haute"),
            (Priority::Emergency, "urgence"),
        ]),
        trades: texts([
            (Specialty::APPLIANCE, "électroménager"),
            (Specialty::CARPENTRY, "menuiserie"),
            (Specialty::CLEANING, "nettoyage"),
            (Specialty::ELECTRICAL, "électricité"),
            (Specialty::GENERAL, "entretien général"),
            (Specialty::HVAC, "chauffage et climatisation"),
            (Specialty::LANDSCAPING, "espaces verts"),
            (Specialty::LOCKSMITH, "serrurerie"),
            (Specialty::PAINTING, "peinture"),
            (Specialty::PEST_CONTROL, "lutte contre les nuisibles"),
            (Specialty::PLUMBING, "plomberie"),
            (Specialty::ROOFING, "toiture"),
        ]),
        not_stated: "non précisé".to_owned(),
        not_on_file: "non renseigné".to_owned(),
        no_hold: "non".to_owned(),
        hold_until: "jusqu'au {{time}}, {{reason}}".to_owned(),
        answers: answers(),
        which_one_without_list:
            "Nous ne savons pas de laquelle de vos interventions parle votre message. Écrivez-nous \
                                 à nouveau, s'il vous plaît."
                .to_owned(),
        buttons: texts([
            (Action::Accept, "Accepter"),
            (Action::Decline, "Je ne peux pas"),
            (Action::Start, "Commencer"),
            (Action::Done, "Terminé"),
            (Action::Choose, "Choisir"),
        ]),
        list_title: "Interventions en cours".to_owned(),
    }
}

fn answers() -> BTreeMap<Answer, String> {
    texts([
        (Answer::Accepted, "Merci, l'intervention est à vous."),
        (Answer::Declined, "Merci de nous avoir prévenus. Quelqu'un d'autre s'en chargera."),
        (Answer::Started, "Merci, nous avons noté que vous avez commencé."),
        (Answer::Completed, "L'intervention est terminée. Merci beaucoup !"),
        (Answer::Commented, "Merci, votre message a été ajouté à l'intervention."),
        (Answer::Attached, "Merci, votre fichier a été ajouté à l'intervention."),
        (
            Answer::WhichOne,
            "De laquelle de vos interventions s'agit-il ? Choisissez-la dans la liste, s'il vous plaît.",
        ),
        (
            Answer::Old,
            "Ce bouton vient d'un ancien message, donc rien n'a changé. Utilisez le message le plus récent sur \
                 cette intervention, s'il vous plaît.",
        ),
        (Answer::NotStarted, "Commencez l'intervention avant de la terminer, s'il vous plaît."),
        (Answer::AlreadyCompleted, "Cette intervention est déjà terminée. Il ne reste rien à faire."),
        (Answer::Cancelled, "Cette intervention a été annulée. Vous n'avez rien à faire."),
        (Answer::NotTheirs, "Cette intervention ne vous est plus confiée. Vous n'avez rien à faire."),
        (Answer::NothingOpen, "Vous n'avez aucune intervention en cours."),
        (
            Answer::FileRefused,
            "Nous n'avons pas pu ajouter votre fichier à l'intervention. Essayez avec un autre, s'il vous plaît.",
        ),
        (
            Answer::TextRefused,
            "Votre message est trop long pour être ajouté à l'intervention. Envoyez-en un plus court, s'il vous \
                 plaît.",
        ),
        (Answer::OptedOut, "Vous ne recevrez plus rien de nous au sujet de vos demandes."),
        (
            Answer::NotRead,
            "Personne ne lit ce qui est écrit ici. Merci de vous adresser au gestionnaire de votre logement.",
        ),
        (Answer::Reopened, "Merci de nous avoir prévenus. Votre demande est de nouveau ouverte."),
        (
            Answer::TooLate,
            "Votre demande est close depuis trop longtemps pour être rouverte. Envoyez-nous en une nouvelle, s'il vous plaît.",
        ),
    ])
}

fn renter_news() -> BTreeMap<News, Template> {
    news([
        (
            News::Filed,
            "Nous avons bien reçu votre demande {{1}} : {{2}}\n\
             Bâtiment : {{3}}\n\
             Merci de nous avoir prévenus. Répondez ARRÊT pour ne plus rien recevoir.",
        ),
        (
            News::Assigned,
            "Quelqu'un va s'occuper de votre demande {{1}} : {{2}}\n\
             Bâtiment : {{3}}\n\
             Répondez ARRÊT pour ne plus rien recevoir.",
        ),
        (
            News::Started,
            "Les travaux pour votre demande {{1}} ont commencé : {{2}}\n\
             Bâtiment : {{3}}\n\
             Répondez ARRÊT pour ne plus rien recevoir.",
        ),
        (
            News::Done,
            "Votre demande {{1}} est réglée : {{2}}\n\
             Bâtiment : {{3}}\n\
             Quelque chose ne va toujours pas ? Répondez à ce message et dites-nous quoi. Répondez ARRÊT pour ne plus rien recevoir.",
        ),
        (
            News::Cancelled,
            "Votre demande {{1}} a été annulée : {{2}}\n\
             Bâtiment : {{3}}\n\
             Si vous avez encore besoin d'aide, envoyez-nous une nouvelle demande. Répondez ARRÊT pour ne plus rien recevoir.",
        ),
    ])
}
