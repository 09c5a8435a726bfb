CREATE TABLE "provider_states" (
	"provider" text NOT NULL,
	"mode" text NOT NULL,
	"open_until" timestamp with time zone,
	"open_code" text,
	"open_reason" text,
	"openings" integer DEFAULT 0 NOT NULL,
	"turn_at" timestamp with time zone,
	"submits_wait_until" timestamp with time zone,
	"credits_remaining" text,
	"tier" text,
	"account_at" timestamp with time zone,
	CONSTRAINT "provider_states_provider_mode_pk" PRIMARY KEY("provider","mode")
);
--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "place" integer;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "batch_key" text collate "C";--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "awaits_callback" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "undelivered" jsonb;--> statement-breakpoint
CREATE INDEX "tasks_batch" ON "tasks" USING btree ("batch_key") WHERE status = 'QUEUED' and batch_key is not null;--> statement-breakpoint
CREATE INDEX "tasks_ended" ON "tasks" USING btree ("provider","mode","finished_at") WHERE finished_at is not null;--> statement-breakpoint
CREATE INDEX "tasks_at_provider" ON "tasks" USING btree ("provider","mode") WHERE status in ('SUBMITTING', 'ACCEPTED', 'RUNNING');