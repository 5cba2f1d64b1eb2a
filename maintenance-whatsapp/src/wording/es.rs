//! Spanish.

use std::collections::BTreeMap;

use maintenance_core::{Action, Answer, News, Priority, Specialty};

use super::{Bodies, Wording, news, templates, texts};
use crate::Template;

pub(super) fn wording() -> Wording {
    Wording {
        language: "es".to_owned(),
        templates: templates(&Bodies {
            assignment: "Nuevo trabajo {{1}}: {{2}}\n\
                         Prioridad: {{3}}\n\
                         Edificio: {{4}}\n\
                         Lugar: {{5}}\n\
                         Problema: {{6}}\n\
                         Inquilino: {{7}}, teléfono {{8}}\n\
                         Este trabajo se le ha asignado. Díganos abajo si puede hacerlo.",
            withdrawn: "El trabajo {{1}} ya no es suyo: {{2}}\n\
                        Edificio: {{3}}\n\
                        No hace falta que vaya. El trabajo se canceló o se asignó a otra persona.",
            changed: "El trabajo {{1}} ha cambiado: {{2}}\n\
                      Prioridad: {{3}}\n\
                      Oficio: {{4}}\n\
                      Edificio: {{5}}\n\
                      Lugar: {{6}}\n\
                      Problema: {{7}}\n\
                      En espera: {{8}}\n\
                      El trabajo sigue siendo suyo.",
            answer: "Trabajo {{1}}, {{2}}: {{3}}\n\
                     Esta es una respuesta automática a su mensaje.",
        }),
        news: renter_news(),
        priorities: texts([
            (Priority::Low, "baja"),
            (Priority::Medium, "media"),
            (Priority::High, "alta"),
            (Priority::Emergency, "emergencia"),
        ]),
        trades: texts([
            (Specialty::APPLIANCE, "electrodomésticos"),
            (Specialty::CARPENTRY, "carpintería"),
            (Specialty::CLEANING, "limpieza"),
            (Specialty::ELECTRICAL, "electricidad"),
            (Specialty::GENERAL, "mantenimiento en general"),
            (Specialty::HVAC, "calefacción y aire acondicionado"),
            (Specialty::LANDSCAPING, "jardinería"),
            (Specialty::LOCKSMITH, "cerrajería"),
            (Specialty::PAINTING, "pintura"),
            (Specialty::PEST_CONTROL, "control de plagas"),
            (Specialty::PLUMBING, "plomería"),
            (Specialty::ROOFING, "techos"),
        ]),
        not_stated: "sin indicar".to_owned(),
        not_on_file: "no consta".to_owned(),
        no_hold: "no".to_owned(),
        hold_until: "hasta el {{time}}, {{reason}}".to_owned(),
        answers: answers(),
        which_one_without_list:
            "No sabemos de cuál de sus trabajos trata su mensaje. Escríbanos de nuevo, por favor.".to_owned(),
        buttons: texts([
            (Action::Accept, "Aceptar"),
            (Action::Decline, "No puedo hacerlo"),
            (Action::Start, "Empezar"),
            (Action::Done, "Terminado"),
            (Action::Choose, "Elegir un trabajo"),
        ]),
        list_title: "Trabajos pendientes".to_owned(),
    }
}

fn answers() -> BTreeMap<Answer, String> {
    texts([
        (Answer::Accepted, "Gracias, el trabajo es suyo."),
        (Answer::Declined, "Gracias por avisar. Otra persona hará este trabajo."),
        (Answer::Started, "Gracias, hemos anotado que ha empezado."),
        (Answer::Completed, "El trabajo está terminado. ¡Muchas gracias!"),
        (Answer::Commented, "Gracias, hemos añadido su mensaje al trabajo."),
        (Answer::Attached, "Gracias, hemos añadido su archivo al trabajo."),
        (Answer::WhichOne, "¿De cuál de sus trabajos se trata? Elíjalo en la lista, por favor."),
        (
            Answer::Old,
            "Ese botón es de un mensaje anterior, así que no ha cambiado nada. Use el mensaje más reciente \
                 sobre este trabajo, por favor.",
        ),
        (Answer::NotStarted, "Por favor, empiece el trabajo antes de terminarlo."),
        (Answer::AlreadyCompleted, "Este trabajo ya está terminado. No queda nada por hacer."),
        (Answer::Cancelled, "Este trabajo se canceló. No tiene que hacer nada."),
        (Answer::NotTheirs, "Este trabajo ya no es suyo. No tiene que hacer nada."),
        (Answer::NothingOpen, "En este momento no tiene trabajos pendientes."),
        (Answer::FileRefused, "No hemos podido añadir su archivo al trabajo. Pruebe con otro, por favor."),
        (
            Answer::TextRefused,
            "Su mensaje es demasiado largo para añadirlo al trabajo. Envíe uno más corto, por favor.",
        ),
        (Answer::OptedOut, "Ya no recibirá más mensajes sobre sus solicitudes."),
        (
            Answer::NotRead,
            "Nadie lee lo que se escribe aquí. Por favor, diríjase a la administración de su vivienda.",
        ),
        (Answer::Reopened, "Gracias por avisarnos. Su solicitud vuelve a estar abierta."),
        (
            Answer::TooLate,
            "Su solicitud se cerró hace demasiado tiempo para abrirla de nuevo. Envíenos una nueva, por favor.",
        ),
    ])
}

fn renter_news() -> BTreeMap<News, Template> {
    news([
        (
            News::Filed,
            "Hemos recibido su solicitud {{1}}: {{2}}\n\
             Edificio: {{3}}\n\
             Gracias por avisarnos. Responda BAJA para no recibir más mensajes.",
        ),
        (
            News::Assigned,
            "Ya hay alguien encargado de su solicitud {{1}}: {{2}}\n\
             Edificio: {{3}}\n\
             Responda BAJA para no recibir más mensajes.",
        ),
        (
            News::Started,
            "Ha empezado el trabajo de su solicitud {{1}}: {{2}}\n\
             Edificio: {{3}}\n\
             Responda BAJA para no recibir más mensajes.",
        ),
        (
            News::Done,
            "Su solicitud {{1}} está resuelta: {{2}}\n\
             Edificio: {{3}}\n\
             ¿Sigue habiendo algún problema? Responda a este mensaje y díganos cuál. Responda BAJA para no recibir más mensajes.",
        ),
        (
            News::Cancelled,
            "Su solicitud {{1}} se ha cancelado: {{2}}\n\
             Edificio: {{3}}\n\
             Si aún necesita ayuda, envíenos una solicitud nueva. Responda BAJA para no recibir más mensajes.",
        ),
    ])
}
