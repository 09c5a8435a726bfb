CREATE TABLE "reused_keys" (
	"workspace_id" text collate "C" NOT NULL,
	"mode" text NOT NULL,
	"key" text NOT NULL,
	"generation_id" text collate "C" NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "reused_keys_workspace_id_mode_key_pk" PRIMARY KEY("workspace_id","mode","key")
);
--> statement-breakpoint
DROP INDEX "tasks_free";--> statement-breakpoint
ALTER TABLE "generations" ADD COLUMN "fit" text DEFAULT 'STRICT' NOT NULL;--> statement-breakpoint
ALTER TABLE "generations" ADD COLUMN "routing" jsonb DEFAULT '{"onUncertain":"WAIT"}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "generations" ADD COLUMN "retry_of" text collate "C";--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "reference" text;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "hold_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "settle_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "reused_keys" ADD CONSTRAINT "reused_keys_workspace_id_generation_id_generations_workspace_id_id_fk" FOREIGN KEY ("workspace_id","generation_id") REFERENCES "public"."generations"("workspace_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_workspace_id_retry_of_generations_workspace_id_id_fk" FOREIGN KEY ("workspace_id","retry_of") REFERENCES "public"."generations"("workspace_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "generations_reusable" ON "generations" USING btree ("workspace_id","mode","request_hash","finished_at") WHERE "generations"."status" = 'SUCCEEDED';--> statement-breakpoint
CREATE INDEX "tasks_submission" ON "tasks" USING btree ("submission_id");--> statement-breakpoint
CREATE INDEX "tasks_due" ON "tasks" USING btree ("status","workspace_id","next_at") WHERE worker_id is null and finished_at is null;--> statement-breakpoint
CREATE INDEX "tasks_unsettled" ON "tasks" USING btree ("workspace_id","next_at") WHERE worker_id is null and settle_until is not null;--> statement-breakpoint
CREATE INDEX "tasks_uncertain" ON "tasks" USING btree (coalesce(hold_until, next_at)) WHERE status = 'UNCERTAIN';--> statement-breakpoint
-- What was adjusted had been asked for so: a retry of it may be adjusted too.
UPDATE "generations" SET "fit" = 'NEAREST' WHERE "adjustments" <> '[]'::jsonb;
