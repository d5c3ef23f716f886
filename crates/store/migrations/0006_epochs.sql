-- How often a server has begun to work on this database: what one asks of others carries it, so that they can refuse
-- what a former one still says.
CREATE TABLE epochs (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO epochs (id, epoch) VALUES (1, 0);
