-- What is under way in a queue, however many wait in it.
CREATE INDEX runs_under_way ON runs (queue) WHERE status IN ('running', 'waiting');
