//! Functions that take and return the events of `cloudevents-sdk`.

use super::{
    cloud_event::{EventIn, FromEvent, IntoReply, Reply},
    open_function::{FromPayload, Payload},
};
use crate::{context::Context, error::Error, event::Event};

#[diagnostic::do_not_recommend]
impl FromEvent for cloudevents::Event {
    fn from_event(input: EventIn) -> Result<Self, Error> {
        Event::from_event(input)?.try_into()
    }
}

#[diagnostic::do_not_recommend]
impl FromEvent for Vec<cloudevents::Event> {
    fn from_event(input: EventIn) -> Result<Self, Error> {
        Vec::<Event>::from_event(input)?.into_iter().map(TryInto::try_into).collect()
    }
}

#[diagnostic::do_not_recommend]
impl IntoReply for cloudevents::Event {
    fn into_reply(self) -> Result<Reply, Error> {
        Event::try_from(self)?.into_reply()
    }
}

#[diagnostic::do_not_recommend]
impl IntoReply for Option<cloudevents::Event> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_or(Ok(Reply::None), cloudevents::Event::into_reply)
    }
}

#[diagnostic::do_not_recommend]
impl IntoReply for Vec<cloudevents::Event> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.into_iter().map(Event::try_from).collect::<Result<Vec<_>, _>>()?.into_reply()
    }
}

#[diagnostic::do_not_recommend]
impl<S> FromPayload<S> for cloudevents::Event {
    fn from_payload(context: &Context, payload: Payload, state: &S) -> Result<Self, Error> {
        Event::from_payload(context, payload, state)?.try_into()
    }
}

#[cfg(test)]
mod tests {
    use cloudevents::{AttributesReader as _, AttributesWriter as _, Data, Event as SdkEvent};
    use http::Method;

    use crate::{Context, Kind, function, function::classify::Registration as _, testing};

    #[function(main = false)]
    async fn forwarded(mut event: SdkEvent) -> SdkEvent {
        event.set_source("/forwarder");
        event
    }

    #[function(main = false)]
    async fn first(events: Vec<SdkEvent>) -> Option<SdkEvent> {
        events.into_iter().next()
    }

    #[function(main = false)]
    async fn all(events: Vec<SdkEvent>) -> Vec<SdkEvent> {
        events
    }

    #[function(main = false)]
    async fn empty(mut event: SdkEvent) -> SdkEvent {
        event.set_id("");
        event
    }

    #[function(main = false)]
    async fn origin(_ctx: Context, event: SdkEvent) -> String {
        event.source().clone()
    }

    fn event(id: &str) -> crate::Event {
        let event = crate::Event::builder().id(id).source("/s").ty("t").extension("tenant", "acme");
        event.data("application/json", r#"{ "n": 1.0 }"#).build().unwrap()
    }

    #[test]
    fn an_event_of_the_sdk_makes_a_cloud_event_function() {
        assert_eq!(forwarded::function().kind(), Kind::CloudEvent);
        assert_eq!(first::function().kind(), Kind::CloudEvent);
        assert_eq!(origin::function().kind(), Kind::OpenFunction);
    }

    #[tokio::test]
    async fn events_of_the_sdk_are_taken_and_replied() {
        let replies = testing::cloud_event(forwarded {}).send(event("1")).await.unwrap();
        assert_eq!(replies, [event("1").into_builder().source("/forwarder").build().unwrap()]);
        assert_eq!(testing::cloud_event(first {}).send_batch([event("1"), event("2")]).await.unwrap(), [event("1")]);
        let both = [event("1"), event("2")];
        assert_eq!(testing::cloud_event(all {}).send_batch(both.clone()).await.unwrap(), both);
        let run = testing::open_function(origin {}).run_event(event("1")).await;
        assert_eq!(run.result().unwrap().payload(), "/s");
    }

    #[tokio::test]
    async fn a_reply_that_is_no_event_is_the_fault_of_the_function() {
        let error = testing::cloud_event(empty {}).send(event("1")).await.unwrap_err();
        assert_eq!((error.status_code().as_u16(), error.to_string().contains("`id` is empty")), (500, true));
    }

    #[tokio::test]
    async fn what_the_sdk_cannot_hold_is_the_fault_of_the_sender() {
        let request = testing::http(forwarded {}).request(Method::POST, "/").header("ce-specversion", "1.0");
        let request = request.header("ce-id", "1").header("ce-source", "/s").header("ce-type", "t");
        let response = request.header("ce-dataschema", "http://[").send("x").await;
        assert_eq!((response.status().as_u16(), response.text().contains("dataschema")), (400, true));
    }

    #[tokio::test]
    async fn the_sdk_sees_the_data_as_its_own_binding_would() {
        async fn data(body: &'static str) -> Data {
            let event = crate::Event::from_json(body).unwrap();
            SdkEvent::try_from(event).unwrap().data().cloned().unwrap()
        }
        let json = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":[1]}}"#;
        assert_eq!(data(json).await, Data::Json(serde_json::json!({ "n": [1] })));
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/xml","data":"<a/>"}"#;
        assert_eq!(data(text).await, Data::String("<a/>".to_owned()));
        let bytes = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"AP8="}"#;
        assert_eq!(data(bytes).await, Data::Binary(vec![0, 255]));
    }
}
