-- When what a run said was thrown away, because it was old or took too much room; NULL while it is kept. It has a number
-- that was free and comes after the next: the order is that of `schema.rs`.
ALTER TABLE runs ADD COLUMN logs_removed_at INTEGER;
