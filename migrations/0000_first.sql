CREATE TABLE "api_keys" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workspace_id" text collate "C" NOT NULL,
	"name" text NOT NULL,
	"prefix" text NOT NULL,
	"hash" text NOT NULL,
	"mode" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "assets" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workspace_id" text collate "C" NOT NULL,
	"generation_id" text collate "C" NOT NULL,
	"task_id" text collate "C" NOT NULL,
	"index" integer NOT NULL,
	"state" text NOT NULL,
	"provider_url" text NOT NULL,
	"provider_url_expires_at" timestamp with time zone,
	"seed" text,
	"storage_key" text,
	"thumbhash" text,
	"width" integer,
	"height" integer,
	"mime_type" text,
	"byte_size" integer,
	"sha256" text,
	"failure" jsonb,
	"refreshes" integer NOT NULL,
	"bad_looks" integer NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "assets_workspace_id" UNIQUE("workspace_id","id"),
	CONSTRAINT "assets_slot" UNIQUE("generation_id","index")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workspace_id" text collate "C" NOT NULL,
	"generation_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"type" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"status" text NOT NULL,
	"percent" real,
	"task_id" text collate "C",
	"task_status" text,
	"asset_id" text collate "C",
	"failure" jsonb,
	"cost" jsonb,
	CONSTRAINT "events_version" UNIQUE("generation_id","version")
);
--> statement-breakpoint
CREATE TABLE "exchanges" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workspace_id" text collate "C" NOT NULL,
	"task_id" text collate "C" NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"method" text NOT NULL,
	"url" text NOT NULL,
	"status" integer,
	"duration_ms" integer NOT NULL,
	"request_body" jsonb,
	"response_body" jsonb,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "generations" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workspace_id" text collate "C" NOT NULL,
	"mode" text NOT NULL,
	"version" integer NOT NULL,
	"status" text NOT NULL,
	"prompt" text NOT NULL,
	"model" text NOT NULL,
	"request" jsonb NOT NULL,
	"adjustments" jsonb NOT NULL,
	"idempotency_key" text,
	"request_hash" text NOT NULL,
	"percent" real,
	"progress_basis" text NOT NULL,
	"eta_seconds" integer,
	"failure" jsonb,
	"metadata" jsonb,
	"created_at" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"deadline_at" timestamp with time zone NOT NULL,
	CONSTRAINT "generations_workspace_id" UNIQUE("workspace_id","id")
);
--> statement-breakpoint
CREATE TABLE "submissions" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workspace_id" text collate "C" NOT NULL,
	"provider" text NOT NULL,
	"mode" text NOT NULL,
	"body" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "submissions_workspace_id" UNIQUE("workspace_id","id")
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"workspace_id" text collate "C" NOT NULL,
	"generation_id" text collate "C" NOT NULL,
	"mode" text NOT NULL,
	"attempt" integer NOT NULL,
	"provider" text NOT NULL,
	"status" text NOT NULL,
	"route_reason" text NOT NULL,
	"first_slot" integer NOT NULL,
	"image_count" integer NOT NULL,
	"request" jsonb NOT NULL,
	"submission_id" text collate "C",
	"provider_task_id" text,
	"percent" real,
	"progress_basis" text NOT NULL,
	"eta_seconds" integer,
	"cost" jsonb NOT NULL,
	"failure" jsonb,
	"poll_count" integer NOT NULL,
	"next_at" timestamp with time zone NOT NULL,
	"worker_id" text collate "C",
	"lease_token" integer NOT NULL,
	"tries" integer NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"submitted_at" timestamp with time zone,
	"accepted_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"deadline_at" timestamp with time zone NOT NULL,
	CONSTRAINT "tasks_workspace_id" UNIQUE("workspace_id","id")
);
--> statement-breakpoint
CREATE TABLE "workers" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"started_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"alive_until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "workspaces" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "workspaces_name_unique" UNIQUE("name")
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_workspace_id_workspaces_id_fk" FOREIGN KEY ("workspace_id") REFERENCES "public"."workspaces"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "assets" ADD CONSTRAINT "assets_workspace_id_generation_id_generations_workspace_id_id_fk" FOREIGN KEY ("workspace_id","generation_id") REFERENCES "public"."generations"("workspace_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "assets" ADD CONSTRAINT "assets_workspace_id_task_id_tasks_workspace_id_id_fk" FOREIGN KEY ("workspace_id","task_id") REFERENCES "public"."tasks"("workspace_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "events" ADD CONSTRAINT "events_workspace_id_generation_id_generations_workspace_id_id_fk" FOREIGN KEY ("workspace_id","generation_id") REFERENCES "public"."generations"("workspace_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "exchanges" ADD CONSTRAINT "exchanges_workspace_id_task_id_tasks_workspace_id_id_fk" FOREIGN KEY ("workspace_id","task_id") REFERENCES "public"."tasks"("workspace_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_workspace_id_workspaces_id_fk" FOREIGN KEY ("workspace_id") REFERENCES "public"."workspaces"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "submissions" ADD CONSTRAINT "submissions_workspace_id_workspaces_id_fk" FOREIGN KEY ("workspace_id") REFERENCES "public"."workspaces"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_workspace_id_generation_id_generations_workspace_id_id_fk" FOREIGN KEY ("workspace_id","generation_id") REFERENCES "public"."generations"("workspace_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_workspace_id_submission_id_submissions_workspace_id_id_fk" FOREIGN KEY ("workspace_id","submission_id") REFERENCES "public"."submissions"("workspace_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_prefix" ON "api_keys" USING btree ("prefix");--> statement-breakpoint
CREATE INDEX "assets_task" ON "assets" USING btree ("task_id");--> statement-breakpoint
CREATE INDEX "exchanges_task" ON "exchanges" USING btree ("task_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "generations_idempotency_key" ON "generations" USING btree ("workspace_id","mode","idempotency_key") WHERE "generations"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX "generations_newest" ON "generations" USING btree ("workspace_id","mode","id");--> statement-breakpoint
CREATE INDEX "tasks_generation" ON "tasks" USING btree ("generation_id");--> statement-breakpoint
CREATE INDEX "tasks_free" ON "tasks" USING btree ("status","next_at") WHERE worker_id is null and finished_at is null;--> statement-breakpoint
CREATE INDEX "tasks_held" ON "tasks" USING btree ("worker_id") WHERE worker_id is not null;--> statement-breakpoint
CREATE INDEX "tasks_late" ON "tasks" USING btree ("deadline_at") WHERE finished_at is null;