//! Hooks, called as they are in a process.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{Method, StatusCode};

use crate::{
    Context, Error, Event, Out, Result, Verdict, function,
    hooks::{Hook, Invocation, Outcome},
    testing,
};

/// What the hooks and the function did, in order.
#[derive(Clone, Default)]
struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    fn tell(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn told(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

/// A hook that tells, and fails where it is told to.
#[derive(Clone)]
struct Telling {
    name: &'static str,
    story: Story,
    fails: &'static str,
    runs: u32,
}

fn telling(name: &'static str, story: &Story) -> Telling {
    Telling { name, story: story.clone(), fails: "", runs: 0 }
}

impl Telling {
    fn failing(self, fails: &'static str) -> Self {
        Self { fails, ..self }
    }

    async fn run(&mut self, when: &str) -> Result<()> {
        self.runs += 1;
        self.story.tell(format!("{}.{when}{}", self.name, self.runs));
        match self.fails.strip_prefix(when) {
            Some("=panic") => panic!("told to"),
            Some("=wait") => std::future::pending().await,
            Some(_) => Err(Error::status(StatusCode::IM_A_TEAPOT, "told to")),
            None => Ok(()),
        }
    }
}

impl Hook for Telling {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn before(&mut self, _: &mut Invocation) -> Result<()> {
        self.run("before").await
    }

    async fn after(&mut self, _: &Invocation, outcome: &mut Outcome) -> Result<()> {
        self.story.tell(format!("{}{}", outcome.status().as_u16(), if outcome.is_crash() { "!" } else { "" }));
        self.run("after").await
    }
}

/// Calls a function that does `what` between hooks `a` and `b`; gives the status and what happened.
async fn called(what: &'static str, a: &'static str, b: &'static str) -> (u16, String) {
    let story = Story::default();
    let inside = story.clone();
    let function = async move || {
        inside.tell(what);
        match what {
            "panic" => panic!("told to"),
            "wait" => std::future::pending().await,
            "fail" => Err(Error::status(StatusCode::CONFLICT, "told to")),
            _ => Ok(()),
        }
    };
    let (a, b) = (telling("a", &story).failing(a), telling("b", &story).failing(b));
    let test = testing::http(function).timeout(Duration::from_millis(50)).hook(a).hook(b);
    let response = test.get("/").await;
    (response.status().as_u16(), story.told())
}

fn told(status: u16, story: &str) -> (u16, String) {
    (status, story.to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_is_before_and_after_is_nested() {
    assert_eq!(called("work", "", "").await, told(200, "a.before1 b.before1 work 200 b.after2 200 a.after2"));
    assert_eq!(called("fail", "", "").await, told(409, "a.before1 b.before1 fail 409 b.after2 409 a.after2"));
    assert_eq!(called("panic", "", "").await, told(500, "a.before1 b.before1 panic 500! b.after2 500! a.after2"));
    assert_eq!(called("wait", "", "").await, told(504, "a.before1 b.before1 wait 504 b.after2 504 a.after2"));
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_stops_the_invocation_and_has_nothing_after() {
    assert_eq!(called("work", "before", "").await, told(418, "a.before1"));
    assert_eq!(called("work", "", "before").await, told(418, "a.before1 b.before1 418 a.after2"));
    assert_eq!(called("work", "", "before=panic").await, told(500, "a.before1 b.before1 500! a.after2"));
    assert_eq!(called("work", "", "before=wait").await, told(504, "a.before1 b.before1 504 a.after2"));
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_fails_a_success_and_no_more_than_that() {
    assert_eq!(called("work", "", "after").await, told(418, "a.before1 b.before1 work 200 b.after2 418 a.after2"));
    assert_eq!(called("work", "after=panic", "").await, told(500, "a.before1 b.before1 work 200 b.after2 200 a.after2"));
    assert_eq!(called("work", "", "after=wait").await, told(504, "a.before1 b.before1 work 200 b.after2 504 a.after2"));
    assert_eq!(called("fail", "", "after").await.0, 409, "the first failure counts");
    assert_eq!(called("panic", "after", "").await.0, 500);
}

/// The reference's own two: one counts in itself, the other adds.
#[derive(Clone, Default)]
struct Custom(u32);

impl Hook for Custom {
    fn name(&self) -> &'static str {
        "plugin-custom"
    }

    async fn before(&mut self, invocation: &mut Invocation) -> Result<()> {
        self.0 += 1;
        assert!(invocation.hook::<Self>("plugin-custom").is_none(), "one that runs does not find itself");
        assert!(invocation.hook::<Self>("adding").is_none(), "the type is another");
        let adding: &mut Adding = invocation.hook_mut("adding").ok_or_else(|| Error::new("no adding"))?;
        adding.a = 1;
        Ok(())
    }
}

struct Adding {
    a: u32,
    sums: Arc<AtomicU32>,
}

impl Hook for Adding {
    fn name(&self) -> &'static str {
        "adding"
    }

    async fn after(&mut self, invocation: &Invocation, _: &mut Outcome) -> Result<()> {
        let custom: &Custom = invocation.hook("plugin-custom").ok_or_else(|| Error::new("no custom"))?;
        self.sums.store(self.a + custom.0, Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn hooks_are_fresh_for_every_invocation_and_find_each_other() {
    let sums = Arc::new(AtomicU32::new(0));
    let shared = Arc::clone(&sums);
    let test = testing::http(async || ()).hook(Custom::default()).hook(move || Adding { a: 0, sums: Arc::clone(&shared) });
    for _ in 0..3 {
        assert_eq!((test.get("/").await.status().as_u16(), sums.swap(0, Relaxed)), (200, 2));
    }
}

#[derive(Clone)]
struct Change;

impl Hook for Change {
    fn name(&self) -> &'static str {
        "change"
    }

    async fn before(&mut self, invocation: &mut Invocation) -> Result<()> {
        let shown = format!("{invocation:?}");
        assert!(shown.contains("change"), "{shown}");
        if let Some(head) = invocation.request_mut() {
            head.headers.insert("ce-id", "changed".parse()?);
        }
        Ok(())
    }

    async fn after(&mut self, invocation: &Invocation, outcome: &mut Outcome) -> Result<()> {
        if let Some(out) = outcome.out_mut() {
            *out = Out::drop();
        }
        match outcome.status().as_u16() {
            404 => outcome.answer(Out::data("found").status(200)),
            409 => outcome.answer(Out::ok().status(42)),
            410 => outcome.fail(Error::bad_request("gone")),
            _ => {}
        }
        if let (Some(response), Some(head)) = (outcome.response_mut(), invocation.request())
            && head.headers.contains_key("ce-id")
        {
            response.headers_mut().insert("x-id", head.headers["ce-id"].clone());
        }
        Ok(())
    }
}

#[function(main = false)]
async fn same(event: Event) -> Event {
    event
}

#[tokio::test]
async fn a_hook_changes_what_comes_and_what_goes() {
    let test = testing::http(same {}).hook(Change);
    let request = test.request(Method::POST, "/").header("ce-specversion", "1.0").header("ce-id", "1");
    let response = request.header("ce-source", "/s").header("ce-type", "t").send("").await;
    assert_eq!((response.header("ce-id"), response.header("x-id")), (Some("changed"), Some("changed")));

    let run = testing::open_function(async |_: Context| Out::ok()).hook(Change).run(()).await;
    assert_eq!(run.verdict(), Verdict::Drop);
}

#[tokio::test]
async fn a_hook_answers_in_the_place_of_the_function() {
    let status = async |status: u16| {
        let function = async move || StatusCode::from_u16(status).unwrap();
        testing::http(function).hook(Change).get("/").await
    };
    let response = status(404).await;
    assert_eq!(
        (response.status().as_u16(), response.text(), response.header("x-openfunction-status")),
        (200, "found", Some("success"))
    );
    assert_eq!(status(409).await.status(), 500, "what cannot be sent is an error");
    assert_eq!(status(410).await.status(), 400);
}
