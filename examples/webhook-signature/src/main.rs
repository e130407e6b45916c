//! A webhook that believes only who knows the secret: HMAC-SHA-256 of the raw body, compared in constant time.
//!
//! ```sh
//! cargo run -p webhook-signature
//! curl localhost:8080 -d 'Hello, World!' \
//!     -H 'x-hub-signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
//! ```

use functions_framework::{
    Error, Result, ResultExt as _,
    axum::body::Bytes,
    function,
    http::{HeaderMap, State, StatusCode},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

type Signature = Hmac<Sha256>;

/// The signature of nothing yet, made of the secret once.
#[derive(Clone)]
struct Key(Signature);

fn open() -> Result<Key> {
    let secret = std::env::var("WEBHOOK_SECRET").context("while reading WEBHOOK_SECRET, which sender and function share")?;
    key(&secret)
}

fn key(secret: &str) -> Result<Key> {
    if secret.is_empty() {
        return Err(Error::new("WEBHOOK_SECRET is empty: everybody could sign"));
    }
    Ok(Key(Signature::new_from_slice(secret.as_bytes()).context("while making a key of WEBHOOK_SECRET")?))
}

/// The bytes as they came: JSON that is decoded and written again is signed otherwise.
#[function(init = open, methods(POST))]
async fn hook(State(key): State<Key>, headers: HeaderMap, body: Bytes) -> Result<String> {
    let signature = headers.get("x-hub-signature-256").and_then(|value| signature(value.as_bytes()));
    // Neither the time this takes nor the answer tells how much of it was right.
    let is_right = signature.is_some_and(|signature| key.0.chain_update(&body).verify_slice(&signature).is_ok());
    if !is_right {
        return Err(Error::status(StatusCode::UNAUTHORIZED, "x-hub-signature-256 is missing or wrong"));
    }
    Ok(format!("signed: {} bytes\n", body.len()))
}

/// Reads `sha256=` and 64 digits.
fn signature(header: &[u8]) -> Option<[u8; 32]> {
    let digits = header.strip_prefix(b"sha256=").filter(|digits| digits.len() == 64)?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    async fn status(signature: Option<&str>, body: &'static str) -> u16 {
        let headers = signature.map(|text| ("x-hub-signature-256".parse().unwrap(), text.parse().unwrap()));
        let key = State(key("It's a Secret to Everybody").unwrap());
        hook(key, headers.into_iter().collect(), Bytes::from(body))
            .await
            .map_or_else(|error| error.status_code().as_u16(), |_| 200)
    }

    #[tokio::test]
    async fn only_who_knows_the_secret_is_believed() {
        assert_eq!(status(Some(GOOD), "Hello, World!").await, 200);
        assert_eq!(status(Some(GOOD), "Hello, World?").await, 401);
        assert_eq!(status(Some(&GOOD.replace("757", "758")), "Hello, World!").await, 401);
        for broken in [None, Some(""), Some("sha256="), Some(&GOOD[..70]), Some(&GOOD[7..]), Some(&GOOD.replace("757", "75x"))]
        {
            assert_eq!(status(broken, "Hello, World!").await, 401, "{broken:?}");
        }
    }

    #[test]
    fn no_secret_is_no_start() {
        assert!(key("").map(|_| ()).unwrap_err().to_string().contains("everybody could sign"));
    }
}
