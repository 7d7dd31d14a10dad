//! Keeping exchanges that the broker deletes with their last binding, while bindings are away.

use std::collections::BTreeMap;

use lapin::{
    Channel,
    options::{QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::Value as Json;

use super::{
    Request,
    look::{Looker, done_with, table},
    tools::{Tools, Trouble},
};
use crate::kind::{Definition, KindId, to_wire_value};

/// A queue of our connection's own that is bound in the place of others; the broker deletes it with the connection.
pub(super) struct Hold {
    channel: Channel,
    queue: String,
}

impl Hold {
    /// Lets go of the exchanges.
    pub(super) async fn release(hold: Option<Self>) {
        let Some(Self { channel, queue }) = hold else { return };
        // what is left of it goes with the connection
        let _ = channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await;
        done_with(&channel).await;
    }
}

impl Looker<'_> {
    /// Binds a queue of our own with the key and arguments of each of these bindings. It keeps nothing of what comes to it.
    async fn hold(&self, bindings: &[(&Definition, Json)]) -> Result<Option<Hold>, String> {
        let Some((first, _)) = bindings.first() else { return Ok(None) };
        let vhost = first.vhost.clone().unwrap_or_default();
        self.verify(&vhost).await?;
        let channel = self.channel(&vhost).await?;
        let options =
            QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(0));
        let trouble = |error: lapin::Error| error.to_string();
        let queue = channel.queue_declare("".into(), options, arguments).await.map_err(trouble)?;
        let queue = queue.name().as_str().to_owned();
        for (binding, arguments) in bindings {
            let text = |name| binding.text(name).unwrap_or("").into();
            let (source, key) = (text("source"), text("routing-key"));
            let bound = channel.queue_bind(
                queue.as_str().into(),
                source,
                key,
                QueueBindOptions::default(),
                table(arguments),
            );
            bound.await.map_err(trouble)?;
        }
        Ok(Some(Hold { channel, queue }))
    }
}

impl Tools<'_> {
    /// Holds the exchanges that would go with these bindings of an entity, as they are `auto-delete`.
    pub(super) async fn hold(
        &self,
        entity: &Definition,
        bindings: &[Definition],
    ) -> Result<Option<Hold>, Trouble> {
        let mut sources: BTreeMap<&str, &Definition> = BTreeMap::new();
        for binding in bindings {
            let source = binding.text("source").unwrap_or("");
            // what goes itself is not held
            if entity.kind != KindId::Exchange || source != entity.name() {
                sources.entry(source).or_insert(binding);
            }
        }
        let mut held = Vec::new();
        for (source, binding) in sources {
            let vhost = binding.vhost.as_deref().unwrap_or("");
            let exchange = self.client.find(&Request::get(&["exchanges", vhost, source])).await?;
            if exchange.is_some_and(|exchange| exchange["auto_delete"] == true) {
                let body =
                    to_wire_value(binding, &|definition, secret| self.secrets.reveal(definition, secret))?;
                held.push((binding, body.get("arguments").cloned().unwrap_or_default()));
            }
        }
        self.guard.looker().hold(&held).await.map_err(|trouble| Trouble::Amqp {
            what: "an exchange that goes with its last binding is held",
            trouble,
        })
    }
}
