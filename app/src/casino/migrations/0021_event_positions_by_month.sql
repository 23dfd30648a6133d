-- no transaction
-- Each month of the journal gets its index on positions while bets go on, and loses the one on transaction ids, by which
-- nothing is read any more.
CREATE INDEX CONCURRENTLY IF NOT EXISTS transactions_{month}_position ON wallet.transactions_{month} (position);
ALTER INDEX wallet.transactions_position ATTACH PARTITION wallet.transactions_{month}_position;
DROP INDEX CONCURRENTLY IF EXISTS wallet.transactions_{month}_xact;
