//! Spanish.

use maintenance_core::{Action, Answer, Priority, Specialty};

use super::{Bodies, Wording, templates, texts};

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
        answers: texts([
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
            (
                Answer::FileRefused,
                "No hemos podido añadir su archivo al trabajo. Pruebe con otro, por favor.",
            ),
            (
                Answer::TextRefused,
                "Su mensaje es demasiado largo para añadirlo al trabajo. Envíe uno más corto, por favor.",
            ),
        ]),
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
