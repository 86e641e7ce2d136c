/*
 * remote.c: the queue of a connection, against a scripted transport.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "scripted_transport.h"
#include "unit.h"

static int first;
static int second;

static RemoteAnswer
receive(RemoteConn *conn)
{
	RemoteAnswer answer;

	remote_receive(conn, &answer);
	return answer;
}

static void
send_prepared(RemoteConn *conn, const char *name)
{
	RemoteCommand command = {0};

	command.sql = "SELECT 1";
	command.statementName = name;
	command.sync = true;
	remote_send(conn, &command);
}

/* ends the test: all answers were taken */
static void
finish(RemoteConn *conn)
{
	UNIT_ASSERT_INT(0, remote_outstanding(conn));
	UNIT_ASSERT_INT(REMOTE_IDLE, remote_conn_state(conn));
	remote_conn_close(conn);
	scripted_stop();
}

UNIT_TEST(remote_done_comes_with_its_sync)
{
	RemoteConn *conn;
	RemoteAnswer answer;

	scripted_start();
	conn = scripted_conn();
	remote_send_sql(conn, "UPDATE t", &first);
	UNIT_ASSERT_STR("pipeline on; UPDATE t; sync", scripted_log());
	UNIT_ASSERT_INT(REMOTE_BUSY, remote_conn_state(conn));

	scripted_done("UPDATE 1");
	UNIT_ASSERT_INT(REMOTE_ANSWER_NONE, receive(conn).kind);
	UNIT_ASSERT_INT(1, remote_outstanding(conn));
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	answer = receive(conn);
	UNIT_ASSERT_INT(REMOTE_ANSWER_DONE, answer.kind);
	UNIT_ASSERT(answer.owner == &first);
	UNIT_ASSERT_STR("UPDATE 1", answer.tag);
	finish(conn);
}

UNIT_TEST(remote_error_of_the_sync_is_the_commands)
{
	RemoteConn *conn;
	RemoteAnswer answer;
	int			sqlstate;

	scripted_start();
	conn = scripted_conn();
	remote_send_sql(conn, "INSERT", &first);
	scripted_done("INSERT 0 1");
	scripted_error(ERRCODE_FOREIGN_KEY_VIOLATION, "ERROR", "deferred");
	scripted_answer(REMOTE_RESULT_END, NULL);
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	answer = receive(conn);
	UNIT_ASSERT_INT(REMOTE_ANSWER_ERROR, answer.kind);
	UNIT_ASSERT(answer.owner == &first);
	UNIT_ASSERT_STR("deferred", remote_error_message(conn, &sqlstate));
	UNIT_ASSERT_INT(ERRCODE_FOREIGN_KEY_VIOLATION, sqlstate);
	finish(conn);
}

UNIT_TEST(remote_rows_of_one_result_come_one_by_one)
{
	RemoteConn *conn;

	scripted_start();
	conn = scripted_conn();
	remote_send_sql(conn, "SELECT", &first);
	scripted_rows("a", 2);
	scripted_rows("b", 1);
	scripted_delay();
	scripted_done("SELECT 3");
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	UNIT_ASSERT_STR("a", receive(conn).values[0]);
	UNIT_ASSERT_STR("a", receive(conn).values[0]);
	UNIT_ASSERT_STR("b", receive(conn).values[0]);
	UNIT_ASSERT_INT(REMOTE_ANSWER_DONE, receive(conn).kind);
	finish(conn);
}

UNIT_TEST(remote_error_skips_the_rest_of_its_section)
{
	RemoteConn *conn;
	RemoteCommand command = {0};
	RemoteAnswer answer;

	scripted_start();
	conn = scripted_conn();
	command.sql = "one";
	command.owner = &first;
	remote_send(conn, &command);
	command.sql = "two";
	command.owner = &second;
	command.sync = true;
	remote_send(conn, &command);
	UNIT_ASSERT_STR("pipeline on; one; two; sync", scripted_log());

	scripted_error(ERRCODE_UNDEFINED_TABLE, "ERROR", "no such table");
	scripted_answer(REMOTE_RESULT_END, NULL);
	scripted_answer(REMOTE_RESULT_SKIPPED, NULL);
	scripted_answer(REMOTE_RESULT_END, NULL);
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	answer = receive(conn);
	UNIT_ASSERT_INT(REMOTE_ANSWER_ERROR, answer.kind);
	UNIT_ASSERT(answer.owner == &first);
	answer = receive(conn);
	UNIT_ASSERT_INT(REMOTE_ANSWER_ERROR, answer.kind);
	UNIT_ASSERT(answer.owner == &second);
	UNIT_ASSERT_STR("no such table", remote_error_message(conn, NULL));
	finish(conn);
}

UNIT_TEST(remote_copy_waits_for_its_turn)
{
	RemoteConn *conn;
	RemoteCommand begin = {0};

	scripted_start();
	conn = scripted_conn();
	begin.sql = "BEGIN";
	begin.owner = &first;
	remote_send(conn, &begin);
	remote_send_sql(conn, "COPY t FROM STDIN", &second);
	remote_send_sql(conn, "SELECT 2", &first);
	UNIT_ASSERT_STR("pipeline on; BEGIN; sync", scripted_log());
	UNIT_ASSERT_INT(3, remote_outstanding(conn));

	scripted_done("BEGIN");
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	scripted_clear_log();
	UNIT_ASSERT_INT(REMOTE_ANSWER_DONE, receive(conn).kind);
	UNIT_ASSERT_STR("pipeline off; simple:; COPY t FROM STDIN", scripted_log());

	scripted_answer(REMOTE_RESULT_COPY_IN, NULL);
	UNIT_ASSERT_INT(REMOTE_ANSWER_COPY_IN, receive(conn).kind);
	UNIT_ASSERT_INT(REMOTE_COPY_IN, remote_conn_state(conn));
	remote_copy_put(conn, "x", 1);
	remote_copy_end(conn, NULL);
	scripted_clear_log();
	scripted_done("COPY 1");
	UNIT_ASSERT(receive(conn).owner == &second);
	UNIT_ASSERT_STR("pipeline on; SELECT 2; sync", scripted_log());
	scripted_done("SELECT 1");
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	UNIT_ASSERT_STR("SELECT 1", receive(conn).tag);
	finish(conn);
}

UNIT_TEST(remote_statement_is_prepared_once)
{
	RemoteConn *conn;

	scripted_start();
	conn = scripted_conn();
	send_prepared(conn, "s");
	UNIT_ASSERT_STR("pipeline on; prepare; citus_1; execute; citus_1; sync", scripted_log());
	UNIT_ASSERT(remote_has_prepared(conn, "s"));
	scripted_done("");
	scripted_done("SELECT 1");
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	UNIT_ASSERT_INT(REMOTE_ANSWER_DONE, receive(conn).kind);

	send_prepared(conn, "s");
	scripted_error(ERRCODE_UNIQUE_VIOLATION, "ERROR", "duplicate key");
	scripted_answer(REMOTE_RESULT_END, NULL);
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	UNIT_ASSERT_INT(REMOTE_ANSWER_ERROR, receive(conn).kind);
	UNIT_ASSERT(remote_has_prepared(conn, "s"));

	scripted_clear_log();
	send_prepared(conn, "s");
	UNIT_ASSERT_STR("execute; citus_1; sync", scripted_log());
	scripted_error(ERRCODE_FEATURE_NOT_SUPPORTED, "ERROR",
				   "cached plan must not change result type");
	scripted_answer(REMOTE_RESULT_END, NULL);
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	UNIT_ASSERT_INT(REMOTE_ANSWER_ERROR, receive(conn).kind);
	UNIT_ASSERT(!remote_has_prepared(conn, "s"));
	finish(conn);
}

UNIT_TEST(remote_prepared_statements_are_bounded)
{
	RemoteConn *conn;

	scripted_start();
	conn = scripted_conn();
	for (int i = 0; i < 201; i++)
	{
		char		name[16];

		snprintf(name, sizeof(name), "s%d", i);
		scripted_start();
		send_prepared(conn, name);
		if (i == 200)
		{
			UNIT_ASSERT_STR("unprepare; citus_1; prepare; citus_201; execute; citus_201; sync",
							scripted_log());
			scripted_done("");
		}
		scripted_done("");
		scripted_done("SELECT 1");
		scripted_answer(REMOTE_RESULT_SYNC, NULL);
		UNIT_ASSERT_INT(REMOTE_ANSWER_DONE, receive(conn).kind);
	}
	UNIT_ASSERT(!remote_has_prepared(conn, "s0"));
	UNIT_ASSERT(remote_has_prepared(conn, "s200"));
	finish(conn);
}

UNIT_TEST(remote_lost_connection_is_told_once_per_call)
{
	RemoteConn *conn;
	RemoteAnswer answer;

	scripted_start();
	conn = scripted_conn();
	remote_send_sql(conn, "SELECT 1", &first);
	remote_send_sql(conn, "SELECT 2", &second);
	scripted_answer(REMOTE_RESULT_LOST, NULL);
	answer = receive(conn);
	UNIT_ASSERT_INT(REMOTE_ANSWER_LOST, answer.kind);
	UNIT_ASSERT(answer.owner == &first);
	UNIT_ASSERT_INT(REMOTE_BROKEN, remote_conn_state(conn));
	UNIT_ASSERT_INT(0, remote_outstanding(conn));
	UNIT_ASSERT_INT(REMOTE_ANSWER_LOST, receive(conn).kind);
	UNIT_ASSERT_ERROR(ERRCODE_CONNECTION_FAILURE, remote_error_raise(conn));
	UNIT_ASSERT_ERROR(ERRCODE_CONNECTION_FAILURE, remote_send_sql(conn, "SELECT 3", NULL));
	remote_conn_close(conn);
	scripted_stop();
}

UNIT_TEST(remote_fatal_error_is_a_lost_connection)
{
	RemoteConn *conn;

	scripted_start();
	conn = scripted_conn();
	remote_send_sql(conn, "SELECT 1", &first);
	scripted_error(ERRCODE_ADMIN_SHUTDOWN, "FATAL", "terminating connection");
	UNIT_ASSERT_INT(REMOTE_ANSWER_LOST, receive(conn).kind);
	UNIT_ASSERT_INT(REMOTE_BROKEN, remote_conn_state(conn));
	remote_conn_close(conn);
	scripted_stop();
}

UNIT_TEST(remote_abandon_cancels_and_drains)
{
	RemoteConn *conn;

	scripted_start();
	conn = scripted_conn();
	remote_send_sql(conn, "SELECT slow", &first);
	remote_send_sql(conn, "COPY t FROM STDIN", &second);
	scripted_clear_log();
	scripted_delay();
	scripted_delay();
	scripted_rows("a", 5);
	scripted_error(ERRCODE_QUERY_CANCELED, "ERROR", "canceled");
	scripted_answer(REMOTE_RESULT_END, NULL);
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	UNIT_ASSERT(remote_abandon(conn, 10000));
	finish(conn);
}

/* what was sent until time ran out, with a SAVEPOINT, perhaps answered, and a query under way */
static const char *
log_of_settling(bool answered)
{
	RemoteCommand command = {.sql = "SAVEPOINT a", .sync = true, .essential = true};
	RemoteConn *conn;
	const char *log;

	scripted_start();
	conn = scripted_conn();
	remote_send(conn, &command);
	remote_send_sql(conn, "SELECT slow", &first);
	scripted_clear_log();
	if (answered)
	{
		scripted_done("SAVEPOINT");
		scripted_answer(REMOTE_RESULT_SYNC, NULL);
	}
	UNIT_ASSERT(!remote_settle(conn, 20));
	log = pstrdup(scripted_log());
	remote_conn_close(conn);
	scripted_stop();
	return log;
}

UNIT_TEST(remote_settle_cancels_no_essential_command)
{
	UNIT_ASSERT(strstr(log_of_settling(false), "cancel") == NULL);
	UNIT_ASSERT(strstr(log_of_settling(true), "cancel") != NULL);
}

UNIT_TEST(remote_abandon_gives_up_in_time)
{
	RemoteConn *conn;

	scripted_start();
	conn = scripted_conn();
	remote_send_sql(conn, "SELECT slow", &first);
	scripted_clear_log();
	UNIT_ASSERT(!remote_abandon(conn, 20));
	UNIT_ASSERT(strncmp(scripted_log(), "cancel", 6) == 0);
	UNIT_ASSERT_INT(REMOTE_BROKEN, remote_conn_state(conn));
	remote_conn_close(conn);
	scripted_stop();
}

UNIT_TEST(remote_idle_connection_is_used_again)
{
	RemoteConn *conn;
	uint64		id;

	scripted_start();
	conn = scripted_conn();
	id = remote_conn_id(conn);
	remote_conn_release(conn);
	conn = scripted_conn();
	UNIT_ASSERT_INT((int64) id, (int64) remote_conn_id(conn));
	finish(conn);
}

UNIT_TEST(remote_asks_for_challenge_behind_pooler)
{
	static const unsigned char secret[32] = {1};
	RemoteTarget target = {.nodeId = 7, .host = "nowhere.invalid", .port = 1,
		.poolinfo = "host=pooler.invalid", .secret = secret};
	RemoteConn *conn;

	scripted_start();
	conn = remote_conn_acquire(&target, false);
	remote_conn_finish(conn);
	scripted_clear_log();
	scripted_rows("1234", 1);
	scripted_done("SELECT 1");
	remote_send_sql(conn, "SELECT 2", &first);
	UNIT_ASSERT(strstr(scripted_log(), "session_challenge") != NULL);
	UNIT_ASSERT(strstr(scripted_log(), "prove_session") != NULL);
	UNIT_ASSERT(strstr(scripted_log(), "prove_session") < strstr(scripted_log(), "SELECT 2"));
	remote_conn_close(conn);
	scripted_stop();
}

/* a connection whose proof and first query, "SELECT 2", are under way */
static RemoteConn *
conn_proving_itself(void)
{
	static const unsigned char secret[32] = {1};
	RemoteTarget target = {.nodeId = 7, .host = "nowhere.invalid", .port = 1,
		.poolinfo = "host=pooler.invalid", .secret = secret};
	RemoteConn *conn = remote_conn_acquire(&target, false);

	remote_conn_finish(conn);
	scripted_rows("1234", 1);
	scripted_done("SELECT 1");
	remote_send_sql(conn, "SELECT 2", &first);
	scripted_clear_log();
	return conn;
}

UNIT_TEST(remote_cancel_waits_for_the_proof)
{
	RemoteConn *conn;

	scripted_start();
	conn = conn_proving_itself();
	remote_cancel(conn);
	UNIT_ASSERT_INT(REMOTE_ANSWER_NONE, receive(conn).kind);
	UNIT_ASSERT(strstr(scripted_log(), "cancel") == NULL);
	scripted_done("SELECT 1");
	UNIT_ASSERT_INT(REMOTE_ANSWER_NONE, receive(conn).kind);
	UNIT_ASSERT(strstr(scripted_log(), "cancel") != NULL);

	/* once */
	scripted_clear_log();
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	scripted_error(ERRCODE_QUERY_CANCELED, "ERROR", "canceled");
	scripted_answer(REMOTE_RESULT_END, NULL);
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	UNIT_ASSERT_INT(REMOTE_ANSWER_ERROR, receive(conn).kind);
	UNIT_ASSERT(strstr(scripted_log(), "cancel") == NULL);
	finish(conn);
}

/* what the session gets for the proof, of this SQLSTATE: may it be used on? */
static bool
is_usable_after_failed_proof(int sqlstate)
{
	RemoteConn *conn;
	RemoteAnswer answer;

	scripted_start();
	conn = conn_proving_itself();
	scripted_error(sqlstate, "ERROR", "failed");
	scripted_answer(REMOTE_RESULT_END, NULL);
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	scripted_done("SELECT 1");
	scripted_answer(REMOTE_RESULT_SYNC, NULL);
	answer = receive(conn);
	UNIT_ASSERT_INT(answer.kind == REMOTE_ANSWER_DONE ? REMOTE_IDLE : REMOTE_BROKEN,
					remote_conn_state(conn));
	remote_conn_close(conn);
	scripted_stop();
	return answer.kind == REMOTE_ANSWER_DONE;
}

UNIT_TEST(remote_session_that_has_not_proved_itself_is_lost)
{
	UNIT_ASSERT(!is_usable_after_failed_proof(ERRCODE_QUERY_CANCELED));
	UNIT_ASSERT(!is_usable_after_failed_proof(ERRCODE_OUT_OF_MEMORY));
	/* no extension in the database, perhaps not yet */
	UNIT_ASSERT(is_usable_after_failed_proof(ERRCODE_UNDEFINED_SCHEMA));
	UNIT_ASSERT(is_usable_after_failed_proof(ERRCODE_UNDEFINED_FUNCTION));
}

UNIT_TEST(remote_busy_connection_is_not_kept)
{
	RemoteConn *conn;
	uint64		id;

	scripted_start();
	conn = scripted_conn();
	id = remote_conn_id(conn);
	remote_send_sql(conn, "SELECT 1", &first);
	remote_conn_release(conn);
	conn = scripted_conn();
	UNIT_ASSERT(id != remote_conn_id(conn));
	finish(conn);
}

UNIT_TEST(remote_what_servers_tell_of_machines)
{
	Machine		machine = base_machine_parse("00000000000000ff/12");

	UNIT_ASSERT_INT(255, machine.id);
	UNIT_ASSERT_INT(12, machine.processors);
	UNIT_ASSERT_INT(0, base_machine_parse("0000000000000000/3").id);
	UNIT_ASSERT_INT(3, base_machine_parse("0000000000000000/3").processors);
	UNIT_ASSERT_INT(0, base_machine_parse("00000000000000ff/0").id);
	UNIT_ASSERT_INT(0, base_machine_parse("00000000000000ff/-1").processors);
	UNIT_ASSERT_INT(0, base_machine_parse("").processors);
	UNIT_ASSERT_INT(0, base_machine_parse(NULL).processors);
}
