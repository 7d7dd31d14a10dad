//! Taking an entity's bindings away and putting them back.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use futures_util::{StreamExt as _, stream};
use serde_json::Value as Json;

use super::{
    Error, Request, entity,
    tools::{Tools, Trouble},
};
use crate::{
    kind::{Definition, Identity, KindId, UNDEFINED, Value, from_wire, to_wire_value},
    plan::list,
};

/// How many bindings of one entity are taken away or restored at once.
const AT_ONCE: usize = 8;

/// Bindings that are not back, though both their ends are there.
#[derive(Debug)]
pub(super) struct Unbound {
    /// Which.
    pub(super) titles: Vec<String>,
    /// The first reason of the broker.
    pub(super) reason: String,
}

impl std::fmt::Display for Unbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let are = if self.titles.len() == 1 { "is" } else { "are" };
        write!(
            f,
            "{} {are} not bound again: {}; what was bound is on record, and the next apply binds it again",
            list(&self.titles, ", "),
            self.reason
        )
    }
}

impl Tools<'_> {
    /// All bindings of an entity, also those that others made, with the broker's handles; none if it is gone.
    pub(super) async fn bindings(&self, entity: &Definition) -> Result<Option<Vec<Definition>>, Error> {
        let vhost = entity.vhost.as_deref().unwrap_or("");
        let name = entity.name();
        let lists = match entity.kind {
            KindId::Queue => vec![Request::get(&["queues", vhost, name, "bindings"])],
            _ => ["source", "destination"]
                .map(|end| Request::get(&["exchanges", vhost, name, "bindings", end]))
                .to_vec(),
        };
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        for list in lists {
            let Some(list) = self.client.find(&list).await? else { return Ok(None) };
            // one from an exchange to itself is in both lists
            let is_new = |binding: &Definition| known.insert((binding.identity(), binding.handle.clone()));
            found.extend(read(&list).into_iter().filter(is_new));
        }
        Ok(Some(found))
    }

    /// Takes bindings away. With the first that stays nothing more is asked for, and what is under way has ended: a
    /// request that is still on its way would undo what comes after it.
    pub(super) async fn unbind(&self, bindings: &[Definition]) -> Result<(), Error> {
        let refused = AtomicBool::new(false);
        let requests: Vec<Request> = bindings.iter().flat_map(entity::delete).collect();
        let results: Vec<Result<(), Error>> = stream::iter(&requests)
            .map(async |request| {
                if refused.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let result = self.change(request).await;
                refused.fetch_or(result.is_err(), Ordering::Relaxed);
                result
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        results.into_iter().collect()
    }

    /// Binds again, and looks whether all is bound. What ends at something that is gone is gone with it.
    pub(super) async fn bind(&self, entity: &Definition, bindings: &[Definition]) -> Result<(), Unbound> {
        if bindings.is_empty() {
            return Ok(());
        }
        let results: Vec<Option<String>> = stream::iter(bindings)
            .map(async |binding| match self.add_again(binding).await {
                // an end of it is gone: that is looked at below
                Ok(()) | Err(Trouble::Broker(Error::NotFound { .. })) => None,
                Err(trouble) => Some(trouble.to_string()),
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let reason = results.iter().flatten().next().cloned();
        let unbound = |titles: Vec<&Definition>, reason: String| Unbound {
            titles: titles.into_iter().map(Definition::title).collect(),
            reason,
        };
        let found: BTreeSet<Identity> = match self.bindings(entity).await {
            Ok(Some(found)) => found.iter().map(Definition::identity).collect(),
            Ok(None) => {
                let gone = format!("{} `{}` is gone", entity.kind.word(), entity.name());
                return Err(unbound(bindings.iter().collect(), gone));
            }
            Err(error) => {
                let refused = bindings.iter().zip(&results).filter(|(_, result)| result.is_some());
                let refused: Vec<&Definition> = refused.map(|(binding, _)| binding).collect();
                return match reason {
                    Some(reason) => Err(unbound(refused, reason)),
                    None => Err(unbound(bindings.iter().collect(), error.to_string())),
                };
            }
        };
        let mut missing = Vec::new();
        for binding in bindings.iter().filter(|binding| !found.contains(&binding.identity())) {
            if self.ends_are_there(binding).await {
                missing.push(binding);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(unbound(
            missing,
            reason.unwrap_or_else(|| "the broker has bound it and does not show it".to_owned()),
        ))
    }

    /// Binds. One that is there stays as it is.
    pub(super) async fn add(&self, binding: &Definition) -> Result<(), Trouble> {
        if !binding.has_void() {
            return Ok(self.change_all(&entity::put(binding, None, self.secrets)?).await?);
        }
        let body = to_wire_value(binding, &|definition, secret| self.secrets.reveal(definition, secret))?;
        let arguments = body.get("arguments").unwrap_or(&Json::Null);
        self.guard.looker().bind(binding, arguments).await.map_err(void)?;
        self.changed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Binds what was bound. The broker's handle tells whether it was no value or the text that the broker shows for one.
    async fn add_again(&self, binding: &Definition) -> Result<(), Trouble> {
        let Some(handle) = binding.handle.as_ref().filter(|_| binding.has_void()) else {
            return self.add(binding).await;
        };
        let there = async || -> Result<Vec<Definition>, Error> {
            Ok(self.client.find(&entity::between(binding)).await?.map(|list| read(&list)).unwrap_or_default())
        };
        let before = there().await?;
        if before.iter().any(|found| found.handle.as_ref() == Some(handle)) {
            return Ok(());
        }
        self.add(binding).await?;
        let after = there().await?;
        if after.iter().any(|found| found.handle.as_ref() == Some(handle)) {
            return Ok(());
        }
        self.change_all(&entity::put(&with_text(binding), None, self.secrets)?).await?;
        // what was there stays, and so does what came of it if that was not it either
        let is_new = |found: &&Definition| {
            found.identity() == binding.identity() && !before.iter().any(|old| old.handle == found.handle)
        };
        if there().await?.iter().any(|found| found.handle.as_ref() == Some(handle)) {
            let wrong: Vec<Definition> = after.iter().filter(is_new).cloned().collect();
            self.unbind(&wrong).await?;
        }
        Ok(())
    }

    /// That what has to be bound by AMQP can be bound again, before anything is taken away.
    pub(super) async fn can_bind_again(&self, bindings: &[Definition]) -> Result<(), Trouble> {
        let Some(binding) = bindings.iter().find(|binding| binding.has_void()) else { return Ok(()) };
        let vhost = binding.vhost.clone().unwrap_or_default();
        self.guard.looker().verify(&vhost).await.map_err(void)
    }

    /// Where the broker does not say, they are.
    async fn ends_are_there(&self, binding: &Definition) -> bool {
        let vhost = binding.vhost.as_deref().unwrap_or("");
        let text = |name| binding.text(name).unwrap_or("");
        let list = if text("destination-type") == "exchange" { "exchanges" } else { "queues" };
        for (list, name) in [("exchanges", text("source")), (list, text("destination"))] {
            if matches!(self.client.find(&Request::get(&[list, vhost, name])).await, Ok(None)) {
                return false;
            }
        }
        true
    }

    /// Deletes a binding; one that is gone already is deleted.
    pub(super) async fn delete_binding(&self, binding: &Definition) -> Result<(), Error> {
        let Some(found) = self.client.find(&entity::between(binding)).await? else { return Ok(()) };
        let identity = binding.identity();
        let found = read(&found).into_iter().find(|found| found.identity() == identity);
        self.unbind(found.as_slice()).await
    }
}

/// The management API cannot bind a header without a value.
fn void(trouble: String) -> Trouble {
    Trouble::Amqp { what: "a header without a value is bound", trouble }
}

/// A binding with the text that the broker shows for no value.
fn with_text(binding: &Definition) -> Definition {
    fn text(value: &Value) -> Value {
        match value {
            Value::Null => Value::text(UNDEFINED),
            Value::List(items) => Value::List(items.iter().map(text).collect()),
            Value::Table(table) => {
                Value::Table(table.iter().map(|(name, value)| (name.clone(), text(value))).collect())
            }
            other => other.clone(),
        }
    }
    let mut binding = binding.clone();
    for field in binding.arguments.values_mut() {
        field.value = text(&field.value);
    }
    binding
}

/// Bindings as the management API lists them, without those of the default exchange.
fn read(list: &Json) -> Vec<Definition> {
    let entries = list.as_array().into_iter().flatten().filter_map(Json::as_object);
    let bindings = entries.filter_map(|entry| from_wire(KindId::Binding, entry).ok());
    bindings.filter(|binding| binding.text("source").is_some_and(|source| !source.is_empty())).collect()
}
