-- Records of what was said and done. A withdrawal is a consent record of its own, a sold car has another delivery.
COMMENT ON TABLE consents IS 'append-only: what the customer allowed, and when, is to be proven';
COMMENT ON TABLE receptions IS 'append-only: the register of who came in';
COMMENT ON TABLE deliveries IS 'append-only: what was handed over, as it was told then';
COMMENT ON TABLE odometer_readings IS 'append-only: an odometer that runs backwards is to be seen';
