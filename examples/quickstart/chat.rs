//! What the workers do on their phones.

use std::{error::Error, sync::Arc};

use maintenance_core::{
    Actor, Dispatcher, Maintenance, Move, NewComment, Receiver, RequestId, RequestStatus, WorkerId,
};
use maintenance_sqlx::sqlite::SqliteRepository;
use maintenance_whatsapp::{
    CloudApi,
    fake::{FakePhone, PhoneMessage},
};

use crate::{channel::Channel, scene::Staff, show::Show};

type Store = SqliteRepository<'static>;

/// The beginning of a JPEG file: as much of a photo as anybody checks here.
const PHOTO: &[u8] = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00 a cracked trap";

/// The engine, and both ways of the channel.
pub(crate) struct Chat {
    pub(crate) maintenance: Maintenance<Store>,
    pub(crate) dispatcher: Dispatcher<Store, Arc<CloudApi>>,
    pub(crate) receiver: Receiver<Store>,
    pub(crate) channel: Channel,
}

impl Chat {
    /// A worker does the whole job without any login: takes it, begins, sends a photo and finishes.
    pub(crate) async fn whole_job(
        &self,
        (request, worker): (RequestId, WorkerId),
        show: &Show,
    ) -> Result<(), Box<dyn Error>> {
        show.chapter("The plumber works from the chat");
        let Some(phone) = self.phone(worker).await? else { return Ok(()) };
        let before = self.maintenance.request(request).await?.status;
        self.says(&phone, "Accept", phone.tap("accept"), show).await?;
        self.says(&phone, "Start", phone.tap("start"), show).await?;
        let began = self.maintenance.request(request).await?.status;
        let photo = phone.photo(PHOTO.to_vec()).caption("The trap is cracked, I have a new one.");
        self.says(&phone, "a photo: The trap is cracked, I have a new one.", photo, show).await?;
        self.says(&phone, "Done", phone.tap("done"), show).await?;
        show.moved(&[before, began, self.maintenance.request(request).await?.status]);
        Ok(())
    }

    /// A worker declines, and the job moves on.
    pub(crate) async fn declined(
        &self,
        (request, worker): (RequestId, WorkerId),
        show: &Show,
        staff: &Staff,
    ) -> Result<(), Box<dyn Error>> {
        show.chapter("The caretaker can't come, and the flood goes to the next");
        let Some(phone) = self.phone(worker).await? else { return Ok(()) };
        self.says(&phone, "I can't do it", phone.tap("decline"), show).await?;
        show.moved_on(&self.maintenance.request(request).await?, staff);
        Ok(())
    }

    /// The same job with a real phone, whose answers would come to the webhook that is set up at Meta: the host moves it.
    pub(crate) async fn by_the_host(
        &self,
        (request, worker): (RequestId, WorkerId),
        show: &Show,
    ) -> Result<(), Box<dyn Error>> {
        let by = Actor::Worker(worker);
        let began = self.maintenance.change_status(request, Move::to(RequestStatus::InProgress, by)).await?;
        let comment = NewComment { id: None, comment: "On my way, half an hour.".into() };
        self.maintenance.comment(request, by, comment).await?;
        let done = Move::to(RequestStatus::Completed, by).note("New washer in the trap.");
        let done = self.maintenance.change_status(request, done).await?;
        show.moved(&[RequestStatus::Pending, began.status, done.status]);
        Ok(())
    }

    async fn phone(&self, worker: WorkerId) -> Result<Option<FakePhone>, Box<dyn Error>> {
        Ok(self.channel.phone(&self.maintenance.worker(worker).await?.phone_number))
    }

    /// The phone sends it: the webhook keeps it, the receiver applies it, and the dispatcher sends the answer.
    async fn says(
        &self,
        phone: &FakePhone,
        what: &str,
        message: PhoneMessage,
        show: &Show,
    ) -> Result<(), Box<dyn Error>> {
        let status = message.await?;
        if status != 200 {
            return Err(format!("the webhook answered {status}").into());
        }
        self.receiver.receive_due().await?;
        self.dispatcher.dispatch_due().await?;
        show.said(what, phone.messages().last().map(|answer| &**answer));
        Ok(())
    }
}
