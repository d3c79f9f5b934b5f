-- Breaks older releases: no
-- Whose tokens and users they are, what was asked twice, and who is told of events.

alter table token add column account_id text references account (id); -- null: sees every account
alter table token add column created_by text not null default 'cli';
