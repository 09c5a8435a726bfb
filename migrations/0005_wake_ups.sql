DROP INDEX "tasks_at_provider";--> statement-breakpoint
ALTER TABLE "provider_states" ADD COLUMN "trial" text;--> statement-breakpoint
ALTER TABLE "provider_states" ADD COLUMN "well_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "turned_away_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "tasks_turned_away" ON "tasks" USING btree ("turned_away_at") WHERE turned_away_at is not null;--> statement-breakpoint
CREATE INDEX "tasks_at_provider" ON "tasks" USING btree ("provider","mode") WHERE status in ('SUBMITTING', 'ACCEPTED', 'RUNNING', 'UNCERTAIN');