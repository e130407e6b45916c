use std::collections::BTreeSet;

use super::*;

fn numbers(seen: &[Seen]) -> BTreeSet<u32> {
    seen.iter().map(|seen| seen.text().parse().unwrap()).collect()
}

#[tokio::test]
async fn what_was_not_done_when_the_process_ended_comes_again() {
    let folder = Folder::new();
    let (function, gate) = Function::new(|_| success()).gated();
    let local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
    for number in 0..50 {
        publish(&local, "orders", &number.to_string()).await.unwrap();
    }
    gate.add_permits(10);
    eventually("ten are done", || gate.available_permits() == 0).await;
    function.count(26).await;
    crash(local).await;
    let again = Function::new(|_| success());
    let local = start(&topics(&["orders"]), &[], durable(&folder), &again).await;
    let came = numbers(&again.count(40).await);
    let rest: BTreeSet<_> = (0..50).filter(|number| !came.contains(number)).collect();
    assert!(rest.len() <= 10 && rest.is_subset(&numbers(&function.seen())), "{rest:?}");
    assert!(local.stop(LONG).await);
    let third = Function::new(|_| success());
    let local = start(&topics(&["orders"]), &[], durable(&folder), &third).await;
    assert!(local.stop(LONG).await);
    assert_eq!((third.seen().len(), local.broker.waiting()), (0, 0), "what is done stays done");
}

#[tokio::test]
async fn attempts_and_dead_letters_outlive_the_process() {
    let folder = Folder::new();
    let mut slow = durable(&folder);
    slow.retry = Retry { attempts: 3, first: LONG, longest: LONG };
    let function = Function::new(|_| retry("no"));
    let local = start(&topics(&["orders"]), &[], slow, &function).await;
    publish(&local, "orders", "one").await.unwrap();
    function.count(1).await;
    assert!(local.stop(LONG).await);
    // The second and third attempt, and no more.
    let function = Function::new(|_| retry("still no"));
    let local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
    eventually("a dead letter", || local.broker.dead().len().unwrap() == 1).await;
    let attempts: Vec<_> = function.seen().iter().map(|seen| seen.attempt).collect();
    assert_eq!(attempts, [Some(2), Some(3)]);
    assert!(local.stop(LONG).await);
    drop(local);
    let function = Function::new(|_| success());
    let local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
    let (number, letter) = local.broker.dead().list(1).unwrap().remove(0);
    assert_eq!(letter.why, "still no");
    local.broker.replay(number).await.unwrap();
    assert_eq!(function.count(1).await[0].text(), "one");
    assert!(local.stop(LONG).await);
    drop(local);
    let local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
    assert_eq!((local.broker.dead().len().unwrap(), function.seen().len()), (0, 1));
}

#[tokio::test]
async fn many_more_messages_than_are_kept_in_memory_come_in_order() {
    let folder = Folder::new();
    let (function, gate) = Function::new(|_| success()).gated();
    let mut options = durable(&folder);
    options.concurrency = 1;
    let local = start(&topics(&["orders"]), &[], options, &function).await;
    let texts = |batch: u32| (0..100).map(move |number| format!("{batch:03}{number:03}"));
    let mut sending = tokio::task::JoinSet::new();
    for batch in 0..30 {
        let local = Arc::clone(&local);
        sending.spawn(async move { publish_all(&local, "orders", texts(batch)).await });
    }
    sending.join_all().await;
    let expected: Vec<_> = (0..30).flat_map(texts).collect();
    gate.add_permits(3000);
    let seen = function.count(3000).await;
    let mut texts: Vec<_> = seen.iter().map(Seen::text).collect();
    let groups: BTreeSet<_> = texts.chunks(100).map(|chunk| chunk.windows(2).all(|pair| pair[0] < pair[1])).collect();
    assert_eq!(groups, [true].into(), "what was sent together comes in its order");
    texts.sort();
    assert_eq!(texts, expected);
    assert!(local.stop(LONG).await);
}

#[tokio::test]
async fn messages_of_an_input_that_is_gone_wait_for_it() {
    let folder = Folder::new();
    let (function, _gate) = Function::new(|_| success()).gated();
    let local = start(&topics(&["orders", "other"]), &[], durable(&folder), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    crash(local).await;
    let without = start(&topics(&["other"]), &[], durable(&folder), &function).await;
    assert_eq!(without.broker.left().iter().collect::<Vec<_>>(), [(&"topic bus/orders".to_owned(), &1)]);
    assert!(without.stop(LONG).await);
    drop(without);
    let function = Function::new(|_| success());
    let local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
    assert_eq!(function.count(1).await[0].text(), "one");
    assert!(local.stop(LONG).await);
}

#[tokio::test]
async fn a_folder_in_use_is_a_mistake_of_the_configuration() {
    let folder = Folder::new();
    let function = Function::new(|_| success());
    let local = start(&topics(&["orders"]), &[], durable(&folder), &function).await;
    let second = refused(&topics(&["orders"]), &[], durable(&folder)).await;
    assert!(matches!(&second, StartError::Configuration(text) if text.contains("another process uses it")), "{second}");
    assert!(local.stop(LONG).await);
}
