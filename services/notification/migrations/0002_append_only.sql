-- Why each message stands where it stands, and what each call has come to.
COMMENT ON TABLE message_decisions IS 'append-only: why a message was sent, or was not';
COMMENT ON TABLE call_attempts IS 'append-only: what a call has come to';
