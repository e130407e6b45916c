use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{open::FILE, *};
use crate::{server::crash, sidecar::local::tests::Folder};

fn put(key: u64) -> impl FnOnce(&mut Tables<'_>) -> Written<()> + Send + 'static {
    move |tables| {
        tables.messages.insert((1, key), &key.to_be_bytes()[..])?;
        Ok(Ok(()))
    }
}

fn keys(store: &Store) -> Vec<u64> {
    let read = store.read(|transaction| {
        let table = transaction.open_table(MESSAGES)?;
        let keys: Result<Vec<_>, redb::StorageError> =
            table.range((1, 0)..=(1, u64::MAX))?.map(|entry| Ok(entry?.0.value().1)).collect();
        Ok(keys?)
    });
    read.unwrap()
}

fn failed(folder: &Folder) -> StartError {
    Store::in_folder(folder.path()).map(drop).unwrap_err()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = Folder::new();
    for round in 0..3 {
        let store = Store::in_folder(folder.path()).unwrap();
        assert_eq!(keys(&store), (0..round).collect::<Vec<_>>());
        store.write(put(round)).await.unwrap();
    }
}

#[tokio::test]
async fn writes_of_many_are_committed_together_and_in_order() {
    let store = Arc::new(Store::in_memory().unwrap());
    let order = Arc::new(Mutex::new(Vec::new()));
    let writes: Vec<_> = (0..500)
        .map(|key| {
            let order = Arc::clone(&order);
            store.write_then(put(key), move |()| order.lock().unwrap().push(key))
        })
        .collect();
    for write in writes {
        write.await.unwrap();
    }
    assert_eq!(keys(&store), (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refused_write_undoes_nothing_and_a_failed_one_all_that_is_committed_with_it() {
    let store = Store::in_memory().unwrap();
    let refused: Result<(), _> = store.write(|_| Ok(Err(SidecarError::new(SidecarCode::Aborted, "another was first")))).await;
    assert_eq!(refused.unwrap_err().code(), SidecarCode::Aborted);
    let broken: Result<(), _> = store.write(|_| Err(redb::Error::PreviousIo.into())).await;
    assert_eq!(broken.unwrap_err().code(), SidecarCode::Internal);
    store.write(put(1)).await.unwrap();
    assert_eq!(keys(&store), [1]);
}

#[tokio::test]
async fn a_panic_in_a_write_is_an_error_of_that_write() {
    crash::install_hook();
    let store = Store::in_memory().unwrap();
    let panicked: Result<(), _> = store.write(|_| panic!("oops")).await;
    assert!(panicked.unwrap_err().message().contains("oops"));
    store.write(put(1)).await.unwrap();
    assert_eq!(keys(&store), [1]);
}

#[tokio::test]
async fn closing_commits_what_nobody_waits_for() {
    let folder = Folder::new();
    let store = Store::in_folder(folder.path()).unwrap();
    let later = Arc::new(AtomicU32::new(0));
    for key in 0..10 {
        let later = Arc::clone(&later);
        store.write_soon("a test", move |tables| {
            later.fetch_add(1, Ordering::Relaxed);
            put(key)(tables)
        });
    }
    store.close();
    assert_eq!(later.load(Ordering::Relaxed), 10);
    assert_eq!(store.write(put(10)).await.unwrap_err().code(), SidecarCode::Internal);
    drop(store);
    assert_eq!(keys(&Store::in_folder(folder.path()).unwrap()).len(), 10);
}

#[test]
fn a_folder_that_another_process_uses_is_refused() {
    let folder = Folder::new();
    let first = Store::in_folder(folder.path()).unwrap();
    let StartError::Configuration(text) = failed(&folder) else { panic!("expected a mistake of the configuration") };
    assert!(text.contains("another process uses it") && text.contains(folder.path().to_str().unwrap()), "{text}");
    drop(first);
    Store::in_folder(folder.path()).unwrap();
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let folder = Folder::new();
    let store = Store::in_folder(folder.path()).unwrap();
    let raise = |tables: &mut Tables<'_>| -> Written<()> {
        tables.meta.insert("format", 2)?;
        Ok(Ok(()))
    };
    store.write(raise).await.unwrap();
    drop(store);
    let before = fs::read(folder.path().join(FILE)).unwrap();
    let StartError::Configuration(text) = failed(&folder) else { panic!("expected a mistake of the configuration") };
    assert!(text.contains("has format 2") && text.contains("reads format 1"), "{text}");
    assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), before);
}

type Damage = fn(&mut Vec<u8>);

#[tokio::test]
async fn every_kind_of_damage_is_told_and_left_alone() {
    crash::install_hook();
    let folder = Folder::new();
    let store = Store::in_folder(folder.path()).unwrap();
    for key in 0..2000 {
        store.write_soon("a test", put(key));
    }
    store.flush().await.unwrap();
    drop(store);
    let path = folder.path().join(FILE);
    let sound = fs::read(&path).unwrap();
    let damages: [(&str, Damage); 5] = [
        ("emptied", Vec::clear),
        ("cut in half", |bytes| bytes.truncate(bytes.len() / 2)),
        ("another kind of file", |bytes| *bytes = b"hello".repeat(2000)),
        ("a broken header", |bytes| bytes[..64].fill(0xff)),
        ("holes all over", |bytes| bytes.chunks_mut(4096).skip(1).for_each(|page| page[100] ^= 0x10)),
    ];
    for (what, damage) in damages {
        let mut bytes = sound.clone();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let StartError::Failed(text) = failed(&folder) else { panic!("{what}: expected a failure") };
        assert!(text.contains("is damaged") && text.contains("Nothing was changed"), "{what}: {text}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}");
    }
    fs::write(&path, &sound).unwrap();
    assert_eq!(keys(&Store::in_folder(folder.path()).unwrap()).len(), 2000);
}

#[test]
fn what_a_crash_left_of_the_first_start_is_no_obstacle() {
    let folder = Folder::new();
    fs::write(folder.path().join("local.redb.new"), b"half of it").unwrap();
    Store::in_folder(folder.path()).unwrap();
    assert!(!folder.path().join("local.redb.new").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = Folder::new();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = Store::in_folder(&folder.path().join("file/below")).map(drop).unwrap_err();
    assert!(matches!(&error, StartError::Configuration(text) if text.contains("the folder cannot be made")), "{error}");
}
