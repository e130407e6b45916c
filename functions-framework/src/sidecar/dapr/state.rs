//! State stores.

use std::collections::HashMap;

use dapr::dapr::proto::{
    common::v1::{Etag, StateItem, StateOptions},
    runtime::v1 as proto,
};

use super::{Dapr, call::Rpc, map};
use crate::sidecar::{Change, Changes, Metadata, ReadOptions, Scope, SidecarError, StateEntry, StatePage};

const GET: Rpc = Rpc::repeatable("/dapr.proto.runtime.v1.Dapr/GetState");
const GET_BULK: Rpc = Rpc::repeatable("/dapr.proto.runtime.v1.Dapr/GetBulkState");
const QUERY: Rpc = Rpc::repeatable("/dapr.proto.runtime.v1.Dapr/QueryStateAlpha1");

/// A write that is repeated could undo that of another, or take its own first try for another's.
const SAVE: Rpc = Rpc::once("/dapr.proto.runtime.v1.Dapr/SaveState");
const DELETE: Rpc = Rpc::once("/dapr.proto.runtime.v1.Dapr/DeleteState");
const DELETE_BULK: Rpc = Rpc::once("/dapr.proto.runtime.v1.Dapr/DeleteBulkState");
const TRANSACTION: Rpc = Rpc::once("/dapr.proto.runtime.v1.Dapr/ExecuteStateTransaction");

/// How many keys a sidecar reads at once, where the store cannot read several itself.
const PARALLELISM: i32 = 10;

// The numbers of the enums `StateConsistency` and `StateConcurrency`.
const EVENTUAL: i32 = 1;
const STRONG: i32 = 2;
const FIRST_WRITE: i32 = 1;
const LAST_WRITE: i32 = 2;

impl Dapr {
    pub(super) async fn get_state(
        &self,
        store_name: String,
        key: String,
        options: ReadOptions,
        scope: &Scope,
    ) -> Result<StateEntry, SidecarError> {
        let consistency = if options.strong { STRONG } else { EVENTUAL };
        let request = proto::GetStateRequest { store_name, key: key.clone(), consistency, metadata: map(options.metadata) };
        let found: proto::GetStateResponse = self.rpc(GET, &request, None, scope).await?;
        Ok(entry(key, found.data, found.etag, found.metadata, String::new()))
    }

    pub(super) async fn get_states(
        &self,
        store_name: String,
        keys: Vec<String>,
        options: ReadOptions,
        scope: &Scope,
    ) -> Result<Vec<StateEntry>, SidecarError> {
        if options.strong {
            // The call for several has no such choice.
            let mut entries = Vec::with_capacity(keys.len());
            for key in keys {
                entries.push(self.get_state(store_name.clone(), key, options.clone(), scope).await?);
            }
            return Ok(entries);
        }
        let (parallelism, metadata) = (PARALLELISM, map(options.metadata));
        let request = proto::GetBulkStateRequest { store_name, keys: keys.clone(), parallelism, metadata };
        let found: proto::GetBulkStateResponse = self.rpc(GET_BULK, &request, None, scope).await?;
        let found = found.items.into_iter().map(|item| entry(item.key, item.data, item.etag, item.metadata, item.error));
        // They come in any order.
        let found: HashMap<_, _> = found.map(|entry| (entry.key.clone(), entry)).collect();
        let nothing = |key| StateEntry { key, ..StateEntry::default() };
        Ok(keys.into_iter().map(|key| found.get(&key).cloned().unwrap_or_else(|| nothing(key))).collect())
    }

    pub(super) async fn change(&self, store_name: String, changes: Changes, scope: &Scope) -> Result<(), SidecarError> {
        let Changes { changes, transaction, metadata } = changes;
        if transaction {
            let operations = changes.into_iter().map(|change| proto::TransactionalStateOperation {
                operation_type: if change.value.is_some() { "upsert" } else { "delete" }.to_owned(),
                request: Some(item(change, &Metadata::new())),
            });
            let request =
                proto::ExecuteStateTransactionRequest { store_name, operations: operations.collect(), metadata: map(metadata) };
            return self.rpc(TRANSACTION, &request, None, scope).await;
        }
        // Each run of writes and each run of deletes is a call of its own.
        for run in changes.chunk_by(|one, next| one.value.is_some() == next.value.is_some()) {
            let states: Vec<_> = run.iter().map(|change| item(change.clone(), &metadata)).collect();
            self.change_run(store_name.clone(), states, run[0].value.is_some(), scope).await?;
        }
        Ok(())
    }

    async fn change_run(
        &self,
        store_name: String,
        mut states: Vec<StateItem>,
        write: bool,
        scope: &Scope,
    ) -> Result<(), SidecarError> {
        if write {
            return self.rpc(SAVE, &proto::SaveStateRequest { store_name, states }, None, scope).await;
        }
        match states.pop() {
            Some(StateItem { key, etag, options, metadata, .. }) if states.is_empty() => {
                let request = proto::DeleteStateRequest { store_name, key, etag, options, metadata };
                self.rpc(DELETE, &request, None, scope).await
            }
            last => {
                states.extend(last);
                self.rpc(DELETE_BULK, &proto::DeleteBulkStateRequest { store_name, states }, None, scope).await
            }
        }
    }

    pub(super) async fn query(
        &self,
        store_name: String,
        query: String,
        metadata: Metadata,
        scope: &Scope,
    ) -> Result<StatePage, SidecarError> {
        let request = proto::QueryStateRequest { store_name, query, metadata: map(metadata) };
        let found: proto::QueryStateResponse = self.rpc(QUERY, &request, None, scope).await?;
        let entries = found.results.into_iter();
        let entries = entries.map(|item| entry(item.key, item.data, item.etag, HashMap::new(), item.error));
        Ok(StatePage { entries: entries.collect(), token: Some(found.token).filter(|token| !token.is_empty()) })
    }
}

/// Nothing stored is no data and no etag; an empty value has an etag.
fn entry(key: String, data: Vec<u8>, etag: String, metadata: HashMap<String, String>, error: String) -> StateEntry {
    let value = (!data.is_empty() || !etag.is_empty()).then(|| data.into());
    StateEntry {
        key,
        value,
        etag: Some(etag).filter(|etag| !etag.is_empty()),
        metadata: metadata.into_iter().collect(),
        error: Some(error).filter(|error| !error.is_empty()),
    }
}

fn item(change: Change, common: &Metadata) -> StateItem {
    let Change { key, value, etag, first_write, strong, metadata } = change;
    let common = common.iter().map(|(name, value)| (name.clone(), value.clone()));
    StateItem {
        key,
        value: value.map(Vec::from).unwrap_or_default(),
        etag: etag.map(|value| Etag { value }),
        metadata: common.chain(metadata).collect(),
        options: Some(StateOptions {
            concurrency: if first_write { FIRST_WRITE } else { LAST_WRITE },
            consistency: if strong { STRONG } else { EVENTUAL },
        }),
    }
}
