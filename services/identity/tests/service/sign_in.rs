//! Signing in, going on, signing out, and being kept out.

use crate::world::{PASSWORD, World, anonymous, by};
use foursight_kernel::Clock;
use foursight_proto::identity::v1::{
    DeactivateStaffRequest, GetMeRequest, ListKeysRequest, RevokeTokenRequest, ServiceGrant,
    create_token_request::Grant,
};
use foursight_testkit::{Stack, reason};
use jiff::{SignedDuration, Timestamp};
use tonic::Code;
use tonic_types::StatusExt;

/// One round of the housekeeping, after the one that may be under way by itself.
async fn sweep(world: &World) {
    while !world.app.running.round("identity", "sweep").await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_signs_in_is_known_everywhere() {
    let world = World::start().await;
    let token = world.sign_in(" SH01.CR ", PASSWORD).await.unwrap();
    assert_eq!((token.staff, token.token_type.as_str()), (world.cr.name(), "Bearer"));
    let me =
        world.directory.clone().get_me(by(&token.access_token, GetMeRequest {})).await.unwrap().into_inner();
    assert_eq!((me.login.as_str(), me.stores), ("sh01.cr", vec![world.shanghai.name()]));
    assert!(me.rights.contains(&"complaint.assign".to_owned()));

    world.app.clock.advance(SignedDuration::from_mins(10));
    let late = world.directory.clone().get_me(by(&token.access_token, GetMeRequest {})).await.unwrap_err();
    assert_eq!(reason(&late), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn the_answer_does_not_tell_which_logins_exist() {
    let world = World::start().await;
    let director = world.access("director").await;
    let leave = DeactivateStaffRequest { name: world.sales.name() };
    world.directory.clone().deactivate_staff(by(&director, leave)).await.unwrap();
    for (login, password) in [("sh01.cr", "a wrong password"), ("nobody", PASSWORD), ("sh01.sales", PASSWORD)]
    {
        let refused = world.sign_in(login, password).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{login}");
        assert_eq!(
            (reason(&refused), refused.message()),
            ("SIGN_IN_REFUSED".into(), "login or password is wrong")
        );
    }
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_copy_ends_the_session() {
    let world = World::start().await;
    let first = world.sign_in("sh01.cr", PASSWORD).await.unwrap().refresh_token;
    let elsewhere = world.sign_in("sh01.cr", PASSWORD).await.unwrap().refresh_token;
    let second = world.refresh(&first).await.unwrap().refresh_token;
    let third = world.refresh(&second).await.unwrap().refresh_token;

    assert_eq!(reason(&world.refresh(&first).await.unwrap_err()), "SESSION_OVER");
    assert_eq!(
        reason(&world.refresh(&third).await.unwrap_err()),
        "SESSION_OVER",
        "the whole family is revoked"
    );
    world.refresh(&elsewhere).await.unwrap();
}

#[tokio::test]
async fn of_many_uses_at_once_only_one_gets_a_token() {
    let world = World::start().await;
    let token = world.sign_in("sh01.cr", PASSWORD).await.unwrap().refresh_token;
    let tries = futures::future::join_all((0..8).map(|_| world.refresh(&token))).await;
    let won: Vec<_> = tries.into_iter().filter_map(Result::ok).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(reason(&world.refresh(&won[0].refresh_token).await.unwrap_err()), "SESSION_OVER");
}

#[tokio::test]
async fn a_session_ends_by_sign_out_and_by_time() {
    let world = World::start().await;
    let token = world.sign_in("sh01.cr", PASSWORD).await.unwrap().refresh_token;
    for refresh_token in [token.clone(), token.clone(), "never heard of".into()] {
        world.tokens.clone().revoke_token(anonymous(RevokeTokenRequest { refresh_token })).await.unwrap();
    }
    assert_eq!(reason(&world.refresh(&token).await.unwrap_err()), "SESSION_OVER");

    let token = world.sign_in("sh01.cr", PASSWORD).await.unwrap().refresh_token;
    world.app.clock.advance(SignedDuration::from_hours(14 * 24));
    assert_eq!(reason(&world.refresh(&token).await.unwrap_err()), "SESSION_OVER");
}

#[tokio::test]
async fn who_leaves_cannot_go_on() {
    let world = World::start().await;
    let token = world.sign_in("sh01.sales", PASSWORD).await.unwrap();
    let director = world.access("director").await;
    let leave = || by(&director, DeactivateStaffRequest { name: world.sales.name() });
    let left = world.directory.clone().deactivate_staff(leave()).await.unwrap().into_inner();
    assert!(!left.active);
    assert_eq!(reason(&world.refresh(&token.refresh_token).await.unwrap_err()), "SESSION_OVER");
    assert_eq!(reason(&world.sign_in("sh01.sales", PASSWORD).await.unwrap_err()), "SIGN_IN_REFUSED");
    // The access token ends within its life.
    world.app.clock.advance(SignedDuration::from_mins(10));
    let late = world.directory.clone().get_me(by(&token.access_token, GetMeRequest {})).await.unwrap_err();
    assert_eq!(reason(&late), "TOKEN_EXPIRED");
    let again = world.directory.clone().deactivate_staff(leave()).await.unwrap_err();
    assert_eq!(reason(&again), "TOKEN_EXPIRED", "the director's own token is as old");
}

#[tokio::test]
async fn guessing_has_to_wait_and_the_owner_too() {
    let world = World::start().await;
    for login in ["sh01.cr", "nobody"] {
        for _ in 0..6 {
            let refused = world.sign_in(login, "a wrong password").await.unwrap_err();
            assert_eq!(reason(&refused), "SIGN_IN_REFUSED");
        }
        let braked = world.sign_in(login, PASSWORD).await.unwrap_err();
        assert_eq!((braked.code(), reason(&braked)), (Code::ResourceExhausted, "TOO_MANY_SIGN_INS".into()));
        let wait = braked.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert_eq!(wait.as_secs(), 1);
    }
    world.app.clock.advance(SignedDuration::from_secs(1));
    world.sign_in("sh01.cr", PASSWORD).await.unwrap();
    // A success forgives.
    for _ in 0..5 {
        assert_eq!(
            reason(&world.sign_in("sh01.cr", "a wrong password").await.unwrap_err()),
            "SIGN_IN_REFUSED"
        );
    }
}

#[tokio::test]
async fn who_guesses_at_a_login_keeps_nobody_out_at_another_network() {
    let world = World::start().await;
    let guess = async |network: &str| {
        reason(&world.sign_in_from(network, "sh01.cr", "a wrong password").await.unwrap_err())
    };
    for _ in 0..6 {
        assert_eq!(guess("192.0.2.1").await, "SIGN_IN_REFUSED");
    }
    let braked = world.sign_in_from("192.0.2.1", "sh01.cr", PASSWORD).await.unwrap_err();
    assert_eq!(reason(&braked), "TOO_MANY_SIGN_INS");
    world.sign_in_from("192.0.2.2", "sh01.cr", PASSWORD).await.unwrap();
    // The owner's success does not free the guesser.
    assert_eq!(guess("192.0.2.1").await, "TOO_MANY_SIGN_INS");
}

#[tokio::test]
async fn a_guess_from_everywhere_is_slowed() {
    let world = World::start().await;
    // As if very many networks had tried just now.
    let used_up = Timestamp::from_second(world.app.clock.now().as_second() + 200 * 6 * 60).unwrap();
    assert_eq!(
        reason(&world.sign_in_from("192.0.2.1", "sh01.cr", "wrong").await.unwrap_err()),
        "SIGN_IN_REFUSED"
    );
    sqlx::query("UPDATE identity.sign_in_failures SET blocked_until = $1 WHERE failures = 0")
        .bind(foursight_kernel::sql::at(used_up))
        .execute(&world.app.owner().await.unwrap())
        .await
        .unwrap();
    let slowed = world.sign_in_from("192.0.2.2", "sh01.cr", "wrong").await.unwrap_err();
    assert_eq!(reason(&slowed), "TOO_MANY_SIGN_INS");
    assert_eq!(slowed.get_details_retry_info().unwrap().retry_delay.unwrap().as_secs(), 6 * 60);
    world.sign_in_from("192.0.2.2", "sh01.sales", PASSWORD).await.unwrap();
    world.app.clock.advance(SignedDuration::from_mins(6));
    world.sign_in_from("192.0.2.2", "sh01.cr", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn many_guesses_at_once_gain_nothing() {
    let world = World::start().await;
    let tries =
        futures::future::join_all((0..20).map(|_| world.sign_in("sh01.cr", "a wrong password"))).await;
    let looked_at = tries.iter().filter(|answer| reason(answer.as_ref().unwrap_err()) == "SIGN_IN_REFUSED");
    assert!(looked_at.count() <= 6);
}

#[tokio::test]
async fn a_service_signs_in_with_its_own_secret_only() {
    let world = World::start().await;
    let grant =
        |service: &str, secret: String| Grant::Service(ServiceGrant { service: service.into(), secret });
    let secret = "secret of identity".to_owned();
    let token = world.token(grant("identity", secret.clone())).await.unwrap();
    assert_eq!((token.refresh_token, token.staff), (String::new(), String::new()));
    let denied = world.directory.clone().get_me(by(&token.access_token, GetMeRequest {})).await.unwrap_err();
    assert_eq!(reason(&denied), "STAFF_ONLY");
    for (service, secret) in [("identity", format!("{secret}x")), ("nobody", secret)] {
        assert_eq!(reason(&world.token(grant(service, secret)).await.unwrap_err()), "SIGN_IN_REFUSED");
    }
}

#[tokio::test]
async fn keys_change_without_ending_a_token() {
    let world = World::start().await;
    let keys = async || {
        world.tokens.clone().list_keys(anonymous(ListKeysRequest {})).await.unwrap().into_inner().keys
    };
    let before = keys().await;
    assert_eq!(before.len(), 1);
    assert_eq!((before[0].kty.as_str(), before[0].crv.as_str()), ("OKP", "Ed25519"));

    // The last token of the old key is made just before its time is over.
    world.app.clock.advance(SignedDuration::from_hours(30 * 24) - SignedDuration::from_mins(1));
    sweep(&world).await;
    let old = world.access("sh01.cr").await;
    world.app.clock.advance(SignedDuration::from_mins(1));
    sweep(&world).await;
    let both = keys().await;
    assert_eq!(both.len(), 2);
    assert_eq!(both[1], before[0], "newest first");
    let new = world.access("sh01.cr").await;
    for token in [&old, &new] {
        world.directory.clone().get_me(by(token, GetMeRequest {})).await.unwrap();
    }
    world.app.clock.advance(SignedDuration::from_hours(2));
    sweep(&world).await;
    assert_eq!(keys().await, both[..1]);
}

#[tokio::test]
async fn a_store_never_reads_what_sign_in_keeps() {
    let world = World::start().await;
    world.access("sh01.cr").await;
    let caller = Stack::reaching(&[world.shanghai]);
    let mut tx = world.app.db("identity").begin(&caller).await.unwrap();
    let seen = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM identity.sessions) AS "sessions!",
                  (SELECT count(*) FROM identity.refresh_tokens) AS "tokens!",
                  (SELECT count(*) FROM identity.signing_keys) AS "keys!",
                  (SELECT count(*) FROM identity.staff) AS "staff!""#,
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!((seen.sessions, seen.tokens, seen.keys, seen.staff), (0, 0, 0, 2));
}
