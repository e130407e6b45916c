//! What is in the database.

use super::Failed;
use redb::{ReadableTable as _, Table, TableDefinition, WriteTransaction};

/// Facts about the database itself: its format, and the numbers given last.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// Numbers of queues, by name.
pub(in super::super) const QUEUES: TableDefinition<'_, &str, u32> = TableDefinition::new("queues");

/// Messages, by the number of their queue and their own.
pub(in super::super) const MESSAGES: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("messages");

/// How often a message was delivered in vain, where it was.
pub(in super::super) const ATTEMPTS: TableDefinition<'_, (u32, u64), u32> = TableDefinition::new("attempts");

/// Messages that were given up, by number.
pub(in super::super) const DEAD: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("dead");

/// Values, by store and key.
pub(in super::super) const STATE: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("state");

/// Values that end, by the time (milliseconds since 1970), store and key.
pub(in super::super) const EXPIRY: TableDefinition<'_, (u64, &str, &str), ()> = TableDefinition::new("expiry");

/// All tables, open for writing.
pub(in super::super) struct Tables<'t> {
    pub(super) meta: Table<'t, &'static str, u64>,
    pub(in super::super) queues: Table<'t, &'static str, u32>,
    pub(in super::super) messages: Table<'t, (u32, u64), &'static [u8]>,
    pub(in super::super) attempts: Table<'t, (u32, u64), u32>,
    pub(in super::super) dead: Table<'t, u64, &'static [u8]>,
    pub(in super::super) state: Table<'t, (&'static str, &'static str), &'static [u8]>,
    pub(in super::super) expiry: Table<'t, (u64, &'static str, &'static str), ()>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, redb::TableError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            queues: transaction.open_table(QUEUES)?,
            messages: transaction.open_table(MESSAGES)?,
            attempts: transaction.open_table(ATTEMPTS)?,
            dead: transaction.open_table(DEAD)?,
            state: transaction.open_table(STATE)?,
            expiry: transaction.open_table(EXPIRY)?,
        })
    }

    /// Gives a number that was never given before under this name.
    pub(in super::super) fn number(&mut self, name: &'static str) -> Result<u64, Failed> {
        let last = self.meta.get(name)?.map_or(0, |number| number.value());
        self.meta.insert(name, last + 1)?;
        Ok(last + 1)
    }
}
