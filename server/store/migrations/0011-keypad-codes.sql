-- Breaks older releases: no
-- Codes of a few digits, which a person types at a phone: short-lived, and some of them for one phone only.

alter table code add column keypad_digits smallint check (keypad_digits between 8 and 10); -- null: not for a keypad
alter table code add column device_mac text check (device_mac ~ '^[0-9a-f]{12}$'); -- the only phone it is for; null: any
-- Those that may still be used are counted.
create index code_keypad on code (expires_at) where keypad_digits is not null;
