-- Breaks older releases: no
-- Staging: boxes scanned into batches, phones that turned up, and the people who may do just that.

alter table api_user drop constraint api_user_role_check;
alter table api_user add constraint api_user_role_check
  check (role in ('owner', 'engineer', 'support', 'reseller', 'customer', 'var'));

-- A box that somebody scanned into the batch that its device is in.
create table batch_box (
  mac text primary key references device (mac) on delete cascade,
  batch_id text not null references batch (id) on delete cascade,
  seq bigint generated always as identity unique, -- the order of scanning
  scanned_by text not null,
  scanned_at timestamptz not null default now(),
  registered boolean not null         -- whether the device came with the scan, so that it goes with it
);
create index batch_box_batch on batch_box (batch_id);

-- By whatever way a device leaves its batch: what comes back later is no scanned box.
create function forget_box() returns trigger language plpgsql as $$
begin
  delete from batch_box where mac = new.mac;
  return null;
end
$$;
create trigger device_leaves_batch after update of batch_id on device
  for each row when (old.batch_id is distinct from new.batch_id) execute function forget_box();

-- Phones that turned up and that no device row speaks of: strangers, first steps, refusals. Never read by a decision.
create table sighting (
  mac text not null check (mac ~ '^[0-9a-f]{12}$'),
  source text not null check (source in ('dhcp', 'certificate', 'path')),
  reporter text not null default '',  -- the account whose token told us of it; empty: our own doors, or the operator
  address text not null,
  network text,                       -- the /24 or /64 of the address; null: it is none
  serial text,
  product_name text,
  problem text,                       -- why the phone was refused last; null: it was not
  profile_at timestamptz,             -- when it first got the first profile
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (mac, source, reporter)
);
create index sighting_source on sighting (source, last_at);
create index sighting_last on sighting (last_at);
create index sighting_network on sighting (network, last_at);
create index sighting_reporter on sighting (reporter, last_at) where reporter <> '';
