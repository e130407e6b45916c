//! Blocking work: a picture is decoded, made smaller and encoded, while other requests are answered.
//!
//! ```sh
//! cargo run -p image-resize
//! curl --data-binary @examples/image-resize/sample.png 'localhost:8080/?width=16' -o small.png
//! ```

mod picture;

use functions_framework::{
    Error, Result,
    axum::{body::Bytes, http::header::CONTENT_TYPE, response::IntoResponse},
    function,
    http::{Query, StatusCode},
};
use serde::Deserialize;

use picture::Picture;

#[derive(Deserialize)]
struct Wanted {
    width: u32,
}

/// Without `async` it runs on the pool of threads that may block.
#[function(methods(POST))]
fn thumbnail(Query(Wanted { width }): Query<Wanted>, body: Bytes) -> Result<impl IntoResponse> {
    if width == 0 {
        return Err(Error::bad_request("a width of 0").detail("expected ?width=<pixels>, at least 1"));
    }
    let picture = Picture::decode(body).map_err(|error| {
        Error::status(StatusCode::UNPROCESSABLE_ENTITY, error).detail("expected a PNG of at most 16 million pixels")
    })?;
    println!("{} x {} pixels to a width of {width}", picture.width, picture.height);
    Ok(([(CONTENT_TYPE, "image/png")], picture.shrunk(width).encode()?))
}

#[cfg(test)]
mod tests {
    use functions_framework::{http::Method, testing};

    use super::*;

    const SAMPLE: &[u8] = include_bytes!("../sample.png");

    #[tokio::test]
    async fn a_picture_gets_smaller_and_keeps_its_shape() {
        let response = testing::http(thumbnail {}).request(Method::POST, "/?width=16").send(SAMPLE).await;
        assert_eq!((response.status().as_u16(), response.header("content-type")), (200, Some("image/png")));
        let small = Picture::decode(response.bytes()).unwrap();
        assert_eq!((small.width, small.height), (16, 12));
    }

    #[tokio::test]
    async fn what_is_no_picture_is_the_callers_mistake() {
        for (path, body, status) in
            [("/?width=16", &b"tea"[..], 422), ("/?width=16", &SAMPLE[..60], 422), ("/?width=0", SAMPLE, 400)]
        {
            assert_eq!(testing::http(thumbnail {}).request(Method::POST, path).send(body.to_vec()).await.status(), status);
        }
    }
}
