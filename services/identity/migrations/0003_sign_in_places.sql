-- Failed sign-ins are counted for a login at each network, tightly, and for a login wherever it is tried, loosely.
COMMENT ON TABLE sign_in_failures IS 'the brake on guessing: one row for a login at a network, one for a login wherever it is tried';
COMMENT ON COLUMN sign_in_failures.login_hash IS 'SHA-256 of what is counted; neither login nor network is kept';
COMMENT ON COLUMN sign_in_failures.blocked_until IS 'of a login at a network: when the next try is looked at; of a login wherever: when the last of its tries no longer counts';
