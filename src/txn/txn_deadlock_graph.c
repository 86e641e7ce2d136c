/*
 * txn_deadlock_graph.c
 *	  From "this one waits for that one" to the transactions that must be canceled.
 *
 * A pure function: no catalog, no shared memory, no network.
 *
 * Vertices
 *	 - a distributed transaction, with all its sessions on all nodes: they end together, so what
 *	   one of them holds is held until all have ended;
 *	 - a session without one: a client's, or a helper's, whose statement commits on its own.  The
 *	   client that a helper works for waits for it, although no lock shows that: when a helper
 *	   waits, an edge is added from the client's vertex.  A helper that is idle keeps what it has
 *	   (advisory locks) until the client gives it up: an edge is added to the client's vertex.
 *
 * Victims are distributed transactions only: no cycle crosses nodes without one.  The candidates
 * are looked at from the youngest on; one that can reach itself is a victim and leaves the graph.
 * Nothing younger is left on its cycles then, so it is the youngest of each; and all nodes that see
 * the same edges choose the same.
 *
 * An edge from a vertex to itself does not count unless both sessions are in the distributed
 * transaction, where it is a deadlock: the holder gives nothing away before the waiter goes on.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "txn/txn_deadlock_internal.h"

typedef struct VertexKey
{
	uint64		number;			/* 0: a session */
	GroupId		group;			/* of the initiator; where the session runs */
	int			pid;			/* 0: a distributed transaction */
} VertexKey;

typedef struct Vertex
{
	VertexKey	key;
	int			index;
} Vertex;

typedef struct OwnerKey
{
	GroupId		group;
	int			pid;
} OwnerKey;

/* the vertex of a client's session */
typedef struct Owner
{
	OwnerKey	key;
	int			vertex;
	bool		certain;		/* seen itself, not only a session of its transaction */
} Owner;

typedef struct Arc
{
	int			from;
	int			to;
} Arc;

typedef struct Candidate
{
	DistXactId	xact;
	int			vertex;
} Candidate;

typedef struct Graph
{
	HTAB	   *vertices;
	HTAB	   *owners;
	int			nvertices;
	Arc		   *arcs;			/* sorted by from once complete */
	int			narcs;
	int		   *firstArc;		/* by vertex; one more at the end */
	Candidate  *candidates;
	int			ncandidates;
	bool	   *removed;
	bool	   *seen;			/* while one vertex is tried */
	int		   *stack;
} Graph;

static HTAB *
make_table(const char *name, Size keySize, Size entrySize)
{
	HASHCTL		control = {
		.keysize = keySize,
		.entrysize = entrySize,
		.hcxt = CurrentMemoryContext,
	};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* index of the member's vertex, which is made at the first call */
static int
vertex_of(Graph *graph, const WaitMember *member)
{
	VertexKey	key = {0};
	Vertex	   *vertex;
	bool		found;

	if (member->xact.number != 0)
	{
		key.number = member->xact.number;
		key.group = member->xact.initiatorGroup;
	}
	else
	{
		key.group = member->group;
		key.pid = member->pid;
	}
	vertex = hash_search(graph->vertices, &key, HASH_ENTER, &found);
	if (!found)
	{
		vertex->index = graph->nvertices++;
		if (key.number != 0)
		{
			Candidate  *candidate = &graph->candidates[graph->ncandidates++];

			candidate->xact = member->xact;
			candidate->vertex = vertex->index;
		}
	}
	return vertex->index;
}

static bool
is_client(const WaitMember *member)
{
	return member->group == member->clientGroup && member->pid == member->clientPid;
}

/* remembers the vertex of the client, when the member tells it */
static void
note_owner(Graph *graph, const WaitMember *member)
{
	OwnerKey	key = {member->clientGroup, member->clientPid};
	bool		certain = is_client(member);
	Owner	   *owner;
	bool		found;

	if (!certain &&
		(member->xact.number == 0 || member->xact.initiatorGroup != member->clientGroup))
		return;
	owner = hash_search(graph->owners, &key, HASH_ENTER, &found);
	if (!found || (certain && !owner->certain))
	{
		owner->vertex = vertex_of(graph, member);
		owner->certain = certain;
	}
}

static void
add_arc(Graph *graph, int from, int to)
{
	graph->arcs[graph->narcs].from = from;
	graph->arcs[graph->narcs].to = to;
	graph->narcs++;
}

static Owner *
owner_of(Graph *graph, const WaitMember *member)
{
	OwnerKey	key = {member->clientGroup, member->clientPid};

	return hash_search(graph->owners, &key, HASH_FIND, NULL);
}

static void
add_edge(Graph *graph, const WaitEdge *edge)
{
	int			from = vertex_of(graph, &edge->waiting);
	int			to = vertex_of(graph, &edge->blocking);
	Owner	   *owner;

	if (from != to || edge->waiting.xact.number != 0)
		add_arc(graph, from, to);
	if (!is_client(&edge->waiting))
	{
		owner = owner_of(graph, &edge->waiting);
		if (owner != NULL && owner->vertex != from)
			add_arc(graph, owner->vertex, from);
	}
	if (edge->blocking.awaitsClient && !is_client(&edge->blocking))
	{
		owner = owner_of(graph, &edge->blocking);
		if (owner != NULL && owner->vertex != to)
			add_arc(graph, to, owner->vertex);
	}
}

static int
compare_arcs(const void *a, const void *b)
{
	const Arc  *left = a;
	const Arc  *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return 0;
}

/* the youngest first; the same order on all nodes */
static int
compare_candidates(const void *a, const void *b)
{
	const DistXactId *left = &((const Candidate *) a)->xact;
	const DistXactId *right = &((const Candidate *) b)->xact;

	if (left->timestamp != right->timestamp)
		return left->timestamp > right->timestamp ? -1 : 1;
	if (left->initiatorGroup != right->initiatorGroup)
		return left->initiatorGroup > right->initiatorGroup ? -1 : 1;
	if (left->number != right->number)
		return left->number > right->number ? -1 : 1;
	return 0;
}

static void
build_graph(Graph *graph, const WaitEdge *edges, int nedges)
{
	int			arc = 0;

	memset(graph, 0, sizeof(*graph));
	graph->vertices = make_table("waiting transactions", sizeof(VertexKey), sizeof(Vertex));
	graph->owners = make_table("waiting clients", sizeof(OwnerKey), sizeof(Owner));
	graph->candidates = palloc_extended(2 * (Size) nedges * sizeof(Candidate), MCXT_ALLOC_HUGE);
	graph->arcs = palloc_extended(3 * (Size) nedges * sizeof(Arc), MCXT_ALLOC_HUGE);
	for (int i = 0; i < nedges; i++)
	{
		note_owner(graph, &edges[i].waiting);
		note_owner(graph, &edges[i].blocking);
	}
	for (int i = 0; i < nedges; i++)
		add_edge(graph, &edges[i]);

	qsort(graph->arcs, graph->narcs, sizeof(Arc), compare_arcs);
	graph->firstArc = palloc((graph->nvertices + 1) * sizeof(int));
	for (int v = 0; v <= graph->nvertices; v++)
	{
		while (arc < graph->narcs && graph->arcs[arc].from < v)
			arc++;
		graph->firstArc[v] = arc;
	}
	graph->removed = palloc0(graph->nvertices * sizeof(bool));
	graph->seen = palloc(graph->nvertices * sizeof(bool));
	graph->stack = palloc(graph->nvertices * sizeof(int));
	qsort(graph->candidates, graph->ncandidates, sizeof(Candidate), compare_candidates);
}

static bool
reaches_itself(Graph *graph, int start)
{
	int			depth = 0;

	memset(graph->seen, 0, graph->nvertices * sizeof(bool));
	graph->stack[depth++] = start;
	while (depth > 0)
	{
		int			v = graph->stack[--depth];

		for (int i = graph->firstArc[v]; i < graph->firstArc[v + 1]; i++)
		{
			int			to = graph->arcs[i].to;

			if (to == start)
				return true;
			if (graph->seen[to] || graph->removed[to])
				continue;
			graph->seen[to] = true;
			graph->stack[depth++] = to;
		}
	}
	return false;
}

List *
txn_deadlock_victims(const WaitEdge *edges, int nedges)
{
	Graph		graph;
	List	   *victims = NIL;

	if (nedges == 0)
		return NIL;
	build_graph(&graph, edges, nedges);
	for (int i = 0; i < graph.ncandidates; i++)
	{
		Candidate  *candidate = &graph.candidates[i];

		CHECK_FOR_INTERRUPTS();
		if (reaches_itself(&graph, candidate->vertex))
		{
			DistXactId *victim = palloc(sizeof(DistXactId));

			*victim = candidate->xact;
			victims = lappend(victims, victim);
			graph.removed[candidate->vertex] = true;
		}
	}
	return victims;
}

/* ---- confirming ---- */

typedef struct EdgeKey
{
	uint64		waitingNumber;
	uint64		blockingNumber;
	TimestampTz waitingSince;
	TimestampTz blockingSince;
	GroupId		waitingInitiator;
	GroupId		blockingInitiator;
	GroupId		group;
	int			waitingPid;
	int			blockingPid;
	int			blockingAwaitsClient;	/* an int: the key has no holes */
} EdgeKey;

static EdgeKey
key_of(const WaitEdge *edge)
{
	EdgeKey		key = {
		.waitingNumber = edge->waiting.xact.number,
		.blockingNumber = edge->blocking.xact.number,
		.waitingSince = edge->waiting.xact.timestamp,
		.blockingSince = edge->blocking.xact.timestamp,
		.waitingInitiator = edge->waiting.xact.initiatorGroup,
		.blockingInitiator = edge->blocking.xact.initiatorGroup,
		.group = edge->waiting.group,
		.waitingPid = edge->waiting.pid,
		.blockingPid = edge->blocking.pid,
		.blockingAwaitsClient = edge->blocking.awaitsClient,
	};

	return key;
}

int
txn_deadlock_confirm(WaitEdge *edges, int nedges, const WaitEdge *earlier, int nearlier)
{
	HTAB	   *known = make_table("edges seen before", sizeof(EdgeKey), sizeof(EdgeKey));
	int			kept = 0;

	for (int i = 0; i < nearlier; i++)
	{
		EdgeKey		key = key_of(&earlier[i]);

		(void) hash_search(known, &key, HASH_ENTER, NULL);
	}
	for (int i = 0; i < nedges; i++)
	{
		EdgeKey		key = key_of(&edges[i]);

		if (hash_search(known, &key, HASH_FIND, NULL) != NULL)
			edges[kept++] = edges[i];
	}
	hash_destroy(known);
	return kept;
}
