//! What stands before every request: who asks, and what was sent. The operator is known before anything of the body is read.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{
    front::{Front, act},
    problem::Problem,
};
use crate::operators::{Operator, sign_in};

/// Characters of an `Authorization` header that is looked at.
const MAX_TOKEN: usize = 200;

/// The operator who asks, with a session that counts.
pub(super) struct Who(pub(super) Operator);

/// The token of the request.
pub(super) struct Token(pub(super) Zeroizing<String>);

/// What was sent, as JSON.
pub(super) struct Sent<T>(pub(super) T);

/// What was sent with photographs in it: larger, and only a few at once.
pub(super) struct SentWithPhotographs<T>(pub(super) T);

impl FromRequestParts<Arc<Front>> for Token {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Front>) -> Result<Self, Problem> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let token = header.and_then(|it| it.strip_prefix("Bearer ")).filter(|it| it.len() <= MAX_TOKEN);
        token.map(|it| Self(Zeroizing::new(it.to_owned()))).ok_or_else(Problem::unknown_operator)
    }
}

impl FromRequestParts<Arc<Front>> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Arc<Front>) -> Result<Self, Problem> {
        let Token(token) = Token::from_request_parts(parts, front).await?;
        let found = act(front, move |front| {
            front.sessions(|sql, now| sign_in::whose(sql, &front.operators, now, &token))
        });
        found.await?.map(Self).ok_or_else(Problem::unknown_operator)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Front>> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, Problem> {
        read(request, front).await.map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Front>> for SentWithPhotographs<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, Problem> {
        let Ok(_place) = front.large.acquire().await else { return Err(Problem::too_often(1)) };
        read(request, front).await.map(Self)
    }
}

async fn read<T: DeserializeOwned>(request: Request, front: &Arc<Front>) -> Result<T, Problem> {
    let json = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if !json.is_some_and(|it| it.starts_with("application/json")) {
        return Err(Problem::malformed("send JSON, with `Content-Type: application/json`"));
    }
    let bytes = bytes(request, front).await?;
    // The parser's own message may quote a name: only the place is told.
    serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Data => Problem::malformed(format!(
                "{place}: a field is missing, unknown or of the wrong type; see /v1/openapi.json"
            )),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => Problem::malformed(format!("{place}: this is no JSON")),
        }
    })
}

/// The body, within the limit of its route.
pub(super) async fn bytes(request: Request, front: &Arc<Front>) -> Result<Bytes, Problem> {
    Bytes::from_request(request, front).await.map_err(|rejection: BytesRejection| {
        match rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            true => Problem::too_large("the request is too large; smaller photographs do, one face needs 200 pixels"),
            false => Problem::malformed("the request broke off; send it again"),
        }
    })
}
