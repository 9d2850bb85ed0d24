// SQLite at work in memory: it inserts, indexes, joins and aggregates. Compiled together with SQLite's sqlite3.c.
#include <stdio.h>
#include <stdlib.h>

#include "sqlite3.h"

static long long answer;

static int keep_answer(void *unused, int columns, char **values, char **names) {
  (void)unused, (void)columns, (void)names;
  answer = answer * 31 + (values[0] ? atoll(values[0]) : 0);
  return 0;
}

static void run(sqlite3 *db, const char *sql) {
  char *error = NULL;
  if (sqlite3_exec(db, sql, keep_answer, NULL, &error) != SQLITE_OK) {
    fprintf(stderr, "%s\n", error);
    exit(1);
  }
}

static void fill(sqlite3 *db) {
  run(db, "create table customer(id integer primary key, name text, city int)");
  run(db, "create table sale(customer int, cents int, note text)");
  run(db,
      "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)"
      " insert into customer select i, 'customer ' || (i * 7919 % 1000), i * 31 % 97 from n");
  run(db,
      "with recursive n(i) as (select 1 union all select i + 1 from n where i < 8000)"
      " insert into sale select 1 + i * 7919 % 2000, i * 104729 % 100000, 'note ' || (i * 17 % 513) from n");
  run(db, "create index sale_customer on sale(customer)");
}

static void report(sqlite3 *db) {
  run(db,
      "select sum(cents), count(*) from sale join customer on customer.id = sale.customer"
      " where note like '%7%' group by city order by 1 desc");
  run(db, "select count(distinct name) from customer where id in (select customer from sale where cents > 50000)");
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 120;
  for (int round = 0; round < rounds; round++) {
    sqlite3 *db;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) return 1;
    fill(db);
    report(db);
    sqlite3_close(db);
  }
  printf("SQLite %s, checksum %016llx\n", sqlite3_libversion(), (unsigned long long)answer);
  return 0;
}
