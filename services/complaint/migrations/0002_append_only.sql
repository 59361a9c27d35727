-- What is settled: clocks and cases refer to it, and what was written at a step is what was written.
COMMENT ON TABLE categories IS 'append-only: cases keep the category that they were given';
COMMENT ON TABLE clock_policies IS 'append-only: clocks keep the version that they were counted by';
COMMENT ON TABLE steps IS 'append-only: what was written at each step of a case';
