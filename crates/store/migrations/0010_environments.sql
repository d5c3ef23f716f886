-- What the app's last landed manifest says of an environment, as JSON; NULL of one that it does not name.
ALTER TABLE environments ADD COLUMN declared TEXT;
