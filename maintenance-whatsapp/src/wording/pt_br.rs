//! Portuguese as it is written in Brazil.

use std::collections::BTreeMap;

use maintenance_core::{Action, Answer, News, Priority, Specialty};

use super::{Bodies, Wording, news, templates, texts};
use crate::Template;

pub(super) fn wording() -> Wording {
    Wording {
        language: "pt_BR".to_owned(),
        templates: templates(&Bodies {
            assignment: "Novo serviço {{1}}: {{2}}\n\
                         Prioridade: {{3}}\n\
                         Prédio: {{4}}\n\
                         Local: {{5}}\n\
                         Problema: {{6}}\n\
                         Inquilino: {{7}}, telefone {{8}}\n\
                         Este serviço foi atribuído a você. Diga abaixo se você pode fazê-lo.",
            withdrawn: "O serviço {{1}} não é mais seu: {{2}}\n\
                        Prédio: {{3}}\n\
                        Você não precisa ir até lá. O serviço foi cancelado ou passado para outra pessoa.",
            changed: "O serviço {{1}} foi alterado: {{2}}\n\
                      Prioridade: {{3}}\n\
                      Especialidade: {{4}}\n\
                      Prédio: {{5}}\n\
                      Local: {{6}}\n\
                      Problema: {{7}}\n\
                      Em espera: {{8}}\n\
                      O serviço continua sendo seu.",
            answer: "Serviço {{1}}, {{2}}: {{3}}\n\
                     Esta é uma resposta automática à sua mensagem.",
        }),
        news: renter_news(),
        priorities: texts([
            (Priority::Low, "baixa"),
            (Priority::Medium, "média"),
            (Priority::High, "alta"),
            (Priority::Emergency, "emergência"),
        ]),
        trades: texts([
            (Specialty::APPLIANCE, "eletrodomésticos"),
            (Specialty::CARPENTRY, "carpintaria"),
            (Specialty::CLEANING, "limpeza"),
            (Specialty::ELECTRICAL, "elétrica"),
            (Specialty::GENERAL, "manutenção em geral"),
            (Specialty::HVAC, "aquecimento e ar-condicionado"),
            (Specialty::LANDSCAPING, "jardinagem"),
            (Specialty::LOCKSMITH, "chaveiro"),
            (Specialty::PAINTING, "pintura"),
            (Specialty::PEST_CONTROL, "controle de pragas"),
            (Specialty::PLUMBING, "encanamento"),
            (Specialty::ROOFING, "telhados"),
        ]),
        not_stated: "não informado".to_owned(),
        not_on_file: "não cadastrado".to_owned(),
        no_hold: "não".to_owned(),
        hold_until: "até {{time}}, {{reason}}".to_owned(),
        answers: answers(),
        which_one_without_list:
            "Não sabemos de qual dos seus serviços você está falando. Por favor, escreva para nós \
                                 de novo."
                .to_owned(),
        buttons: texts([
            (Action::Accept, "Aceitar"),
            (Action::Decline, "Não posso fazer"),
            (Action::Start, "Começar"),
            (Action::Done, "Concluído"),
            (Action::Choose, "Escolher um serviço"),
        ]),
        list_title: "Seus serviços abertos".to_owned(),
    }
}

fn answers() -> BTreeMap<Answer, String> {
    texts([
        (Answer::Accepted, "Obrigado, o serviço é seu."),
        (Answer::Declined, "Obrigado por avisar. Outra pessoa fará este serviço."),
        (Answer::Started, "Obrigado, registramos que você começou."),
        (Answer::Completed, "O serviço está concluído. Muito obrigado!"),
        (Answer::Commented, "Obrigado, sua mensagem foi adicionada ao serviço."),
        (Answer::Attached, "Obrigado, seu arquivo foi adicionado ao serviço."),
        (Answer::WhichOne, "De qual dos seus serviços você está falando? Por favor, escolha na lista."),
        (
            Answer::Old,
            "Esse botão é de uma mensagem antiga, por isso nada mudou. Por favor, use a mensagem mais recente \
                 sobre este serviço.",
        ),
        (Answer::NotStarted, "Por favor, comece o serviço antes de concluí-lo."),
        (Answer::AlreadyCompleted, "Este serviço já está concluído. Não há mais nada a fazer."),
        (Answer::Cancelled, "Este serviço foi cancelado. Você não precisa fazer nada."),
        (Answer::NotTheirs, "Este serviço não é mais seu. Você não precisa fazer nada."),
        (Answer::NothingOpen, "Você não tem serviços abertos no momento."),
        (
            Answer::FileRefused,
            "Não conseguimos adicionar seu arquivo ao serviço. Por favor, tente outro arquivo.",
        ),
        (
            Answer::TextRefused,
            "Sua mensagem é longa demais para ser adicionada ao serviço. Por favor, envie uma mais curta.",
        ),
        (Answer::OptedOut, "Você não receberá mais mensagens sobre suas solicitações."),
        (
            Answer::NotRead,
            "Ninguém lê o que é escrito aqui. Por favor, fale com a administração do seu imóvel.",
        ),
        (Answer::Reopened, "Obrigado por nos avisar. Sua solicitação está aberta de novo."),
        (
            Answer::TooLate,
            "Sua solicitação foi encerrada há tempo demais para ser reaberta. Por favor, envie uma nova.",
        ),
    ])
}

fn renter_news() -> BTreeMap<News, Template> {
    news([
        (
            News::Filed,
            "Recebemos sua solicitação {{1}}: {{2}}\n\
             Prédio: {{3}}\n\
             Obrigado por nos avisar. Responda PARAR para não receber mais mensagens.",
        ),
        (
            News::Assigned,
            "Alguém vai cuidar da sua solicitação {{1}}: {{2}}\n\
             Prédio: {{3}}\n\
             Responda PARAR para não receber mais mensagens.",
        ),
        (
            News::Started,
            "O trabalho da sua solicitação {{1}} começou: {{2}}\n\
             Prédio: {{3}}\n\
             Responda PARAR para não receber mais mensagens.",
        ),
        (
            News::Done,
            "Sua solicitação {{1}} foi concluída: {{2}}\n\
             Prédio: {{3}}\n\
             Ainda há algum problema? Responda a esta mensagem e diga qual. Responda PARAR para não receber mais mensagens.",
        ),
        (
            News::Cancelled,
            "Sua solicitação {{1}} foi cancelada: {{2}}\n\
             Prédio: {{3}}\n\
             Se ainda precisar de ajuda, envie uma nova solicitação. Responda PARAR para não receber mais mensagens.",
        ),
    ])
}
