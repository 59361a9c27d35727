-- Sign-in: sessions with their refresh tokens, the brake on guessing, and the keys that sign access tokens.
-- Every row here is the business of the sign-in alone. The policies let no transaction of a store in: only the whole
-- group's reach covers the nil id.

-- One sign-in and all that grows from it (a family of refresh tokens).
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    -- The end of the youngest refresh token.
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_for text CHECK (revoked_for IN ('signed_out', 'reused', 'deactivated')),
    CHECK ((revoked_at IS NULL) = (revoked_for IS NULL))
);
CREATE INDEX sessions_by_staff ON sessions (staff_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (expires_at);
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY sessions_reach ON sessions
    USING (foursight_reach('00000000-0000-0000-0000-000000000000'::uuid));

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token; the token itself is nowhere.
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY;
CREATE POLICY refresh_tokens_reach ON refresh_tokens
    USING (foursight_reach('00000000-0000-0000-0000-000000000000'::uuid));

-- Failed sign-ins for each login, existing or not, so that the brake does not tell which logins exist.
CREATE TABLE sign_in_failures (
    -- SHA-256 of the login: what people type into the wrong field is not kept.
    login_hash bytea PRIMARY KEY CHECK (octet_length(login_hash) = 32),
    failures integer NOT NULL CHECK (failures >= 0),
    last_at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
);
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (last_at);
ALTER TABLE sign_in_failures ENABLE ROW LEVEL SECURITY;
CREATE POLICY sign_in_failures_reach ON sign_in_failures
    USING (foursight_reach('00000000-0000-0000-0000-000000000000'::uuid));

CREATE TABLE signing_keys (
    kid text PRIMARY KEY CHECK (char_length(kid) BETWEEN 1 AND 64),
    -- Ed25519, 32 bytes.
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    -- PKCS#8, sealed with AES-256-GCM under the master key; the kid is the associated data.
    sealed_private_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    -- When a younger key took over the signing; published until the last token signed with it has expired.
    retired_at timestamptz
);
-- One key signs at a time.
CREATE UNIQUE INDEX signing_keys_current ON signing_keys ((true)) WHERE retired_at IS NULL;
ALTER TABLE signing_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY signing_keys_reach ON signing_keys
    USING (foursight_reach('00000000-0000-0000-0000-000000000000'::uuid));
